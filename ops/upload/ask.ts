import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/**
 * Asks at the terminal, on standard error.
 *
 * @param isSecret what is typed is not shown.
 * @throws an error when there is no terminal, or the person gives up.
 */
export async function ask(question: string, isSecret = false): Promise<string> {
  if (!process.stdin.isTTY)
    throw new Error(`${question}there is no terminal to ask at; set --user and HOSPITAL_PASSWORD.`);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? nowhere : process.stderr;
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  if (isSecret) process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.on("close", () => reject(new Error("Nothing was answered.")));
      terminal.question(isSecret ? "" : question).then(resolve, reject);
    });
  } finally {
    if (isSecret) process.stderr.write("\n");
    terminal.close();
  }
}
