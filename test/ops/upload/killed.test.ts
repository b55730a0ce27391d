import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { type Mishap, openFront } from "../../client/front.ts";
import { serveApi } from "../../support/serve-api.ts";
import { csv, csvHeader, emailOf, emailsOf, newFolder, numbered, register, start } from "./support.ts";

const RECORDS = 12_000;
const KILLS = 8;

const served = await serveApi();
afterAll(() => served.stop());

const oneOf = <Value>(...values: Value[]): Value =>
  values[Math.floor(Math.random() * values.length)] as Value;
/** Not to logging in, which is not tried again. */
const mishap = ({ line }: { line: string }): Mishap | "pass" =>
  line.includes("/auth/") || Math.random() < 0.7
    ? "pass"
    : oneOf<Mishap>("drop-before", "drop-after", "truncate", { status: 502 });
const databaseFault = () => oneOf("refuse", "drop-before", "drop-after", "error-500", "truncate");

test("Killed again and again while the way to the API and its database fail at random, it makes each patient once", {
  timeout: 240_000,
}, async () => {
  const front = await openFront(served.origin);
  const username = await register(served.origin);
  const file = join(newFolder(), "patients.csv");
  const isInvalid = (n: number) => n % 1000 === 17;
  writeFileSync(file, csvHeader + numbered(RECORDS, (n) => csv(n, isInvalid(n) ? 121 : 36)));
  const chunks = () =>
    existsSync(`${file}.progress.json`)
      ? JSON.parse(readFileSync(`${file}.progress.json`, "utf8")).chunks
      : 0;

  const imports = () => front.seen.filter(({ line }) => line.includes("import")).length;

  front.befallEach(mishap);
  /** Runs the command until it has sent something. */
  async function sending() {
    await served.disturbDatabase({ delay_ms: 80 });
    const before = imports();
    const running = start(file, front.origin, username);
    await Promise.race([
      running.ended,
      vi.waitUntil(() => imports() > before, { timeout: 20_000, interval: 10 }),
    ]);
    return running;
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    const running = await sending();
    if (kill % 3 === 2) await served.disturbDatabase({ delay_ms: 80, fault: databaseFault(), times: 1 });
    await setTimeout(Math.random() * 700);
    await running.kill();
    console.log(`Killed with ${chunks()} of ${RECORDS / 1000} chunks noted.`);
  }
  const last = await sending();
  await served.disturbDatabase({ fault: databaseFault(), times: 1 });
  const end = await last.ended;

  const valid = Array.from({ length: RECORDS }, (_, n) => n).filter((n) => !isInvalid(n));
  expect([end.status, end.stdout]).toEqual([
    2,
    expect.stringMatching(`^${valid.length} patients were created, ${RECORDS - valid.length} refused`),
  ]);
  expect(await emailsOf(username)).toEqual(valid.map(emailOf));
  const refused = readFileSync(`${file}.refused.ndjson`, "utf8").trimEnd().split("\n");
  const lineOf = (n: number) => 2 + n + Math.ceil(n / 10);
  expect(refused.map((line) => JSON.parse(line).line)).toEqual(
    Array.from({ length: RECORDS }, (_, n) => n)
      .filter(isInvalid)
      .map(lineOf),
  );
});
