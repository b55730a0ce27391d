import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServedApi, serveApi } from "../support/serve-api.ts";
import { type Example, examplesIn, printedBy } from "./guide.ts";
import { errorsIn, expectShown } from "./shown.ts";

const project = join(import.meta.dirname, "..", "..");
const guides = join(project, "docs");
const { endpointOrigin, ownerUrl } = inject("cloud");
const channel = `${endpointOrigin}/channels/${randomUUID()}`;
const client = join(project, "client", "index.ts");

/** What an example may need that is not everywhere, and whether it is here. */
const tools: Record<string, boolean> = {
  psql: spawnSync("psql", ["-c", "", ownerUrl]).status === 0,
  // One that is older than the server refuses.
  pg_dump: spawnSync("pg_dump", ["-s", "-f", "/dev/null", ownerUrl]).status === 0,
  client: existsSync(client),
  upload: existsSync(join(project, "ops", "upload.ts")),
};

const isSetting = (need: string) => need.includes("=");
function lacksFor({ needs }: Example): string[] {
  const wanted = needs.filter((need) => !isSetting(need));
  const unknown = wanted.filter((need) => !(need in tools));
  if (unknown.length > 0) throw new Error(`An example needs ${unknown}, which nobody knows.`);
  return wanted.filter((need) => !tools[need]);
}

const apis = new Map<string, ServedApi>();
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hospital-guides-"));
  for (const name of ["package.json", "node_modules", "ops"])
    symlinkSync(join(project, name), join(folder, name));
  const common = { DATABASE_ENDPOINT: `${channel}/sql`, JWT_SECRET: randomUUID() };
  for (const setting of ["", "REQUIRE_IF_MATCH=true"]) {
    const [name = "", value = ""] = setting.split("=");
    apis.set(setting, await serveApi({ ...common, ...(name && { [name]: value }) }));
  }
}, 60_000);
afterAll(async () => {
  for (const api of apis.values()) await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const originWith = (setting = ""): string => apis.get(setting)?.origin ?? "";

/** An example as bash runs it. */
function pieceOf({ language, needs, code }: Example): string {
  if (language === "ts") {
    const program = code
      .replace('"hospital-api/client"', JSON.stringify(client))
      .replace("http://localhost:8787", originWith());
    return `node --input-type=module-typescript - <<'END'\n${program}END`;
  }
  const setting = needs.find(isSetting);
  return setting ? `API=${originWith(setting)}/api\n${code}\nAPI=${originWith()}/api` : code;
}

describe.each(readdirSync(guides).filter((name) => name.endsWith(".md")))("docs/%s", (name) => {
  const examples = examplesIn(readFileSync(join(guides, name), "utf8"));
  const run = examples.filter((example) => lacksFor(example).length === 0);

  test.runIf(run.length > 0)("shows what its examples print", async () => {
    const env = {
      API: `${originWith()}/api`,
      ENDPOINT: channel,
      DATABASE_URL: ownerUrl,
      HOME: folder,
      PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
    };
    const printed = await printedBy(run.map(pieceOf), folder, env);
    expect(printed).toHaveLength(run.length);
    for (const [index, { code, shown }] of run.entries()) {
      const output = printed[index] ?? "";
      try {
        if (shown) expectShown(output, shown);
        else expect(errorsIn(output)).toEqual([]);
      } catch (error) {
        throw new Error(`${code}\nprints\n\n${output}`, { cause: error });
      }
    }
  });

  for (const example of examples.filter((one) => !run.includes(one)))
    test.skip(
      `left out, for there is no ${lacksFor(example).join(", ")} here: ${example.code.split("\n")[0]}`,
    );
});
