import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServedApi, serveApi } from "../support/serve-api.ts";
import { type Example, examplesIn, runPieces } from "./guide.ts";
import { errorsIn, expectShown } from "./shown-output.ts";

const TIMEOUT = 300_000; // only against hanging

const project = join(import.meta.dirname, "..", "..");
/** The files with examples, as paths in the project. */
const guides = ["README.md", ...readdirSync(join(project, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);
const { endpointOrigin, ownerUrl } = inject("database");
const channel = `${endpointOrigin}/channels/${randomUUID()}`;
const client = join(project, "client", "index.ts");

/** Programs and files that an example may need, and whether this machine has them. */
const tools: Record<string, boolean> = {
  psql: spawnSync("psql", ["-c", "", ownerUrl]).status === 0,
  // A pg_dump that is older than the server refuses to run.
  pg_dump: spawnSync("pg_dump", ["-s", "-f", "/dev/null", ownerUrl]).status === 0,
  client: existsSync(client),
  upload: existsSync(join(project, "ops", "upload.ts")),
};

const isSetting = (need: string) => need.includes("=");
/** What an example needs and this machine does not have. */
function missingFor({ needs }: Example): string[] {
  const wanted = needs.filter((need) => !isSetting(need));
  const unknown = wanted.filter((need) => !(need in tools));
  if (unknown.length > 0)
    throw new Error(`An example needs ${unknown}, which is not one of ${Object.keys(tools)}.`);
  return wanted.filter((need) => !tools[need]);
}

const apis = new Map<string, ServedApi>();
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hospital-guides-"));
  for (const name of ["package.json", "node_modules", "ops", "src"])
    symlinkSync(join(project, name), join(folder, name));
  const common = { DATABASE_ENDPOINT: `${channel}/sql`, JWT_SECRET: randomUUID() };
  const serve = async (setting: string) => {
    const [name = "", value = ""] = setting.split("=");
    apis.set(setting, await serveApi({ ...common, ...(name && { [name]: value }) }));
  };
  await Promise.all(["", "REQUIRE_IF_MATCH=true"].map(serve));
}, TIMEOUT);
afterAll(async () => {
  for (const api of apis.values()) await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const originWith = (setting = ""): string => apis.get(setting)?.origin ?? "";

/** An example as a piece of a bash script. */
function scriptOf({ language, needs, code }: Example): string {
  if (language === "ts") {
    const program = code
      .replace('"hospital-api"', JSON.stringify(client))
      .replace("http://localhost:8787", originWith());
    return `node --input-type=module-typescript - <<'END'\n${program}END`;
  }
  const setting = needs.find(isSetting);
  return setting ? `API=${originWith(setting)}/api\n${code}\nAPI=${originWith()}/api` : code;
}

describe.each(guides)("%s", (name) => {
  const examples = examplesIn(readFileSync(join(project, name), "utf8"));
  const runnable = examples.filter((example) => missingFor(example).length === 0);

  test.runIf(runnable.length > 0)(
    "every example prints what the guide shows",
    async () => {
      const env = {
        API: `${originWith()}/api`,
        ENDPOINT: channel,
        DATABASE_URL: ownerUrl,
        HOME: folder,
        PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
      };
      const printed = await runPieces(runnable.map(scriptOf), folder, env);
      expect(printed).toHaveLength(runnable.length);
      for (const [index, { code, shown }] of runnable.entries()) {
        const output = printed[index] ?? "";
        try {
          if (shown) expectShown(output, shown);
          else expect(errorsIn(output)).toEqual([]);
        } catch (error) {
          throw new Error(`${code}\nprints\n\n${output}`, { cause: error });
        }
      }
    },
    TIMEOUT,
  );

  for (const example of examples.filter((one) => !runnable.includes(one)))
    test.skip(
      `skipped, this machine has no ${missingFor(example).join(", ")}: ${example.code.split("\n")[0]}`,
    );
});
