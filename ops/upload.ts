import { existsSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { createClient } from "../client/index.ts";
import { isSecureUrl, SECURE_URL_RULE } from "../src/local-host.ts";
import { runAsCommand } from "./command.ts";
import { apiUrlFile } from "./environment.ts";
import { ask } from "./upload/ask.ts";
import { type Progress, progressFileOf } from "./upload/progress-file.ts";
import { refusedFileOf } from "./upload/refused-file.ts";
import { upload } from "./upload/upload.ts";

const usage = `Usage: npm run upload -- <file> [--url https://…] [--user <username>]

Creates a patient of the account for each record of the file: .csv with a header line, or .ndjson (.jsonl).
Without --url it uses the API that npm run dev has started. Without --user it asks for the username; without HOSPITAL_PASSWORD in
the environment it asks for the password. If it is stopped, run the same command again: it continues from where it stopped.

Exit status: 0 all records were created, 2 some were refused, 1 the upload is incomplete.`;

/** The exit status when the whole file was uploaded, but some records were refused. */
const SOME_REFUSED = 2;

/** Up to 15 minutes for a chunk: the upload survives an API that cannot be reached for some minutes. */
const retry = { attempts: 20, delay: 500, maxDelay: 30_000, deadline: 15 * 60_000 };

const formats = { ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson" } as const;

await runAsCommand(async () => {
  const { file, format, url, user } = parseArguments();
  const username = user ?? (await ask("Username: "));
  const password = process.env["HOSPITAL_PASSWORD"] || (await ask(`Password of ${username}: `, true));
  const api = createClient({ url, retry });
  await api.login({ username, password });
  const bar = new SingleBar(
    { format: "{bar} {percentage} %, {created} created, {refused} refused, {duration_formatted}" },
    Presets.rect,
  );
  bar.start(1, 0, { created: 0, refused: 0 });
  const progress = await upload({ file, format, api, url }, ({ created, refused }, bytes, size) => {
    bar.setTotal(size);
    bar.update(bytes, { created, refused });
  }).finally(() => bar.stop());
  printSummary(file, progress);
}, usage);

function printSummary(file: string, { created, refused }: Progress): void {
  console.log(`${created} patients were created, ${refused} refused. (${progressFileOf(file)} says so too.)`);
  if (refused === 0) return;
  console.log(`Which ones, and why: ${refusedFileOf(file)}`);
  process.exitCode = SOME_REFUSED;
}

function parseArguments() {
  const text = { type: "string" } as const;
  const options = { url: text, user: text } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [file, ...others] = positionals;
  const url = values.url ?? localUrl();
  if (!file || !url || others.length > 0) throw new Error(usage);
  if (!isSecureUrl(url)) throw new Error(`--url ${SECURE_URL_RULE}.\n\n${usage}`);
  const format = formats[extname(file).toLowerCase() as keyof typeof formats];
  if (!format) throw new Error(`The file's name must end in .csv, .ndjson or .jsonl.\n\n${usage}`);
  if (!existsSync(file)) throw new Error(`The file ${file} does not exist.`);
  return { file, format, url: new URL(url).href, user: values.user };
}

/** The URL of the API that `npm run dev` has started; `undefined` when it has not. */
function localUrl(): string | undefined {
  return existsSync(apiUrlFile) ? readFileSync(apiUrlFile, "utf8") : undefined;
}
