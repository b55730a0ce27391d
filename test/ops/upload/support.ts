import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inject, onTestFinished } from "vitest";
import { createClient } from "../../../client/index.ts";
import { upload } from "../../../ops/upload/upload.ts";
import { PASSWORD, unique } from "../../client/support.ts";
import { compileCache, query } from "../support.ts";

const command = join(import.meta.dirname, "..", "..", "..", "ops", "upload.ts");

/** Creates a folder, which is removed after the running test. @returns its path */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hospital-upload-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Registers an account. @returns its username */
export async function register(url: string): Promise<string> {
  const username = unique("user-");
  await createClient({ url }).register({ username, email: `${username}@example.org`, password: PASSWORD });
  return username;
}

/**
 * Has the command pause as briefly as it ever does: the pauses between its attempts are multiplied by a random
 * number.
 */
const withoutPauses = ["--import", "data:text/javascript,Math.random=()=>0"];

/** Starts the command in a process of its own, as `username`. */
export function start(file: string, url: string, username: string, password = PASSWORD) {
  const env = { ...process.env, ...compileCache, HOSPITAL_PASSWORD: password };
  const args = [...withoutPauses, command, file, "--url", url, "--user", username];
  const child = spawn(process.execPath, args, { env });
  const ended = Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
  return {
    ended: ended.then(([[status], stdout, stderr]) => ({ status, stdout, stderr })),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Uploads a file as `username` without the command around it. */
export async function uploadFile(file: string, url: string, username: string) {
  const api = createClient({ url });
  await api.login({ username, password: PASSWORD });
  return upload({ file, format: file.endsWith(".csv") ? "csv" : "ndjson", api, url });
}

/** The emails of an account's patients, as the database stores them. */
export async function emailsOf(username: string): Promise<string[]> {
  const rows = await query(
    inject("database").ownerUrl,
    "SELECT p.email FROM patients p JOIN users u ON u.id = p.created_by WHERE u.username = $1 ORDER BY p.id",
    [username],
  );
  return rows.map(({ email }) => email);
}

export const emailOf = (n: number): string => `p${n}@example.org`;

/** A record as a line of NDJSON. */
export const ndjson = (n: number, fields: object = {}): string =>
  `${JSON.stringify({ firstname: "Ada", lastname: `L${n}`, email: emailOf(n), age: 36, gender: "F", ...fields })}\n`;

export const csvHeader = "lastname,firstname,email,age,gender\n";

/**
 * The line, from 1, at which the record `n` begins in a file of a header and the records 0 to n as `csv` writes them.
 */
export const csvLineOf = (n: number): number => 2 + n + Math.ceil(n / 10);

/** A record as CSV: two lines when `n` is a multiple of 10, else one. */
export const csv = (n: number, age: number | string = 36): string =>
  n % 10 === 0 ? `"L\n${n}",Ada,${emailOf(n)},${age},F\n` : `L${n},"Ada, Countess",${emailOf(n)},${age},F\n`;

/** The texts `textOf(0)` to `textOf(count - 1)`, joined. */
export const numbered = (count: number, textOf: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => textOf(n)).join("");
