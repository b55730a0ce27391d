import { existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Fault, openGateway, type Phase } from "../../client/gateway.ts";
import { slowDatabase } from "../../client/support.ts";
import { serveApi } from "../../support/serve-api.ts";
import {
  csv,
  csvHeader,
  csvLineOf,
  emailOf,
  emailsOf,
  newFolder,
  numbered,
  register,
  start,
} from "./support.ts";

const RECORDS = 9000;

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

const oneOf = <Value>(...values: Value[]): Value =>
  values[Math.floor(Math.random() * values.length)] as Value;
/** A fault for 3 of 10 requests, but not for a login, which is not sent again. */
const randomFault = ({ line }: { line: string }): Fault | "pass" =>
  line.includes("/auth/") || Math.random() < 0.7
    ? "pass"
    : oneOf<Fault>("drop-before", "drop-after", "truncate", { status: 502 });
const randomDatabaseFault = () => oneOf("refuse", "drop-before", "drop-after", "error-500", "truncate");

/** Passes over up to two calls, at random, so that a phase is met in different chunks. */
function isDue(): () => boolean {
  let left = Math.floor(Math.random() * 3);
  return () => left-- === 0;
}

/** Resolves when the file is written. */
const written = (file: string) =>
  new Promise<void>((resolve) => {
    const isNow = isDue();
    const watcher = watch(dirname(file), (_, name) => {
      if (name !== basename(file) || !isNow()) return;
      watcher.close();
      resolve();
    });
  });

test("killed in each phase of an upload, with random faults of the gateway and the database, it creates each patient once", {
  timeout: 240_000,
}, async () => {
  const gateway = await openGateway(served.origin);
  gateway.chooseFaults(randomFault);
  gateway.zeroRetryAfter();
  const username = await register(served.origin);
  const file = join(newFolder(), "patients.csv");
  const isInvalid = (n: number) => n % 1000 === 17;
  writeFileSync(file, csvHeader + numbered(RECORDS, (n) => csv(n, isInvalid(n) ? 121 : 36)));
  const chunks = () =>
    existsSync(`${file}.progress.json`)
      ? JSON.parse(readFileSync(`${file}.progress.json`, "utf8")).chunks
      : 0;

  function reached(phase: Phase): Promise<void> {
    const isNow = isDue();
    return gateway.reached(phase, ({ line }) => line.includes("import") && isNow());
  }
  const phases = {
    "the import request arrives": () => reached("received"),
    "the database has committed": () => reached("processed"),
    "the answer is sent": () => reached("answered"),
    "the refused records are written": () => written(`${file}.refused.ndjson`),
    "the new progress is written": () => written(`${file}.progress.json.new`),
    "the progress is replaced": () => written(`${file}.progress.json`),
  };
  /**
   * Starts the command. Once it has logged in, which is not sent again, one of its requests meets a database fault.
   */
  async function startWithDatabaseFault() {
    await served.disturbDatabase({});
    const loggedIn = gateway.reached("answered", ({ line }) => line.includes("login"));
    const running = start(file, gateway.origin, username);
    await Promise.race([loggedIn, running.ended]);
    await served.disturbDatabase({ fault: randomDatabaseFault(), times: 1 });
    return running;
  }

  for (const [phase, reaches] of Object.entries(phases)) {
    const reachesPhase = reaches();
    const running = await startWithDatabaseFault();
    await Promise.race([reachesPhase, running.ended]);
    await running.kill();
    console.log(`Killed when ${phase}, with ${chunks()} of ${RECORDS / 1000} chunks in the progress file.`);
  }
  const end = await (await startWithDatabaseFault()).ended;

  const records = Array.from({ length: RECORDS }, (_, n) => n);
  const valid = records.filter((n) => !isInvalid(n));
  expect(end).toEqual({
    status: 2,
    stdout: expect.stringMatching(
      `^${valid.length} patients were created, ${RECORDS - valid.length} refused`,
    ),
    stderr: expect.any(String),
  });
  expect(await emailsOf(username)).toEqual(valid.map(emailOf));
  const refused = readFileSync(`${file}.refused.ndjson`, "utf8").trimEnd().split("\n");
  expect(refused.map((line) => JSON.parse(line).line)).toEqual(records.filter(isInvalid).map(csvLineOf));
});
