import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/**
 * Asks a question at the terminal, on standard error.
 *
 * @param isSecret hides what is typed, for passwords.
 * @returns the line that was typed.
 * @throws an error when standard input is not a terminal, or is closed without an answer.
 */
export async function ask(question: string, isSecret = false): Promise<string> {
  if (!process.stdin.isTTY)
    throw new Error(`${question}there is no terminal to ask at; set --user and HOSPITAL_PASSWORD.`);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? hidden : process.stderr;
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  if (isSecret) process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.on("close", () => reject(new Error("There was no answer.")));
      terminal.question(isSecret ? "" : question).then(resolve, reject);
    });
  } finally {
    if (isSecret) process.stderr.write("\n");
    terminal.close();
  }
}
