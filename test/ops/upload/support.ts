import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inject, onTestFinished } from "vitest";
import { createClient } from "../../../client/index.ts";
import { PASSWORD, unique } from "../../client/support.ts";
import { query } from "../support.ts";

const command = join(import.meta.dirname, "..", "..", "..", "ops", "upload.ts");

/** A folder for the running test. */
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

/** Starts the command in a process of its own, as `username`. */
export function start(file: string, url: string, username: string, password = PASSWORD) {
  const env = { ...process.env, HOSPITAL_PASSWORD: password };
  const child = spawn(process.execPath, [command, file, "--url", url, "--user", username], { env });
  const ended = Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
  return {
    ended: ended.then(([[status], stdout, stderr]) => ({ status, stdout, stderr })),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The emails of an account's patients, as the database has them. */
export async function emailsOf(username: string): Promise<string[]> {
  const rows = await query(
    inject("cloud").ownerUrl,
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

/** The same as a line of CSV, or two of them. */
export const csv = (n: number, age: number | string = 36): string =>
  n % 10 === 0 ? `"L\n${n}",Ada,${emailOf(n)},${age},F\n` : `L${n},"Ada, Countess",${emailOf(n)},${age},F\n`;

/** `make(0)` to `make(count - 1)`, one after the other. */
export const numbered = (count: number, make: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => make(n)).join("");
