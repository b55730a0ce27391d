import { execFile } from "node:child_process";

/** A fenced code block of a guide, and the block after it with its output. */
export interface Example {
  /** `sh`, or `ts` for a program with the typed client. */
  language: string;
  /** The words after the language: tools that the example needs, or a setting of the API (`NAME=value`). */
  needs: string[];
  code: string;
  /** The output that the guide shows; undefined when it shows none. */
  shown: { language: string; text: string } | undefined;
}

const FENCE = /^```(\S*)(.*)\n([\s\S]*?)^```$/gm;
/** Languages of blocks that are run, and of blocks that show output. */
const codeLanguages = ["sh", "ts"];
const outputLanguages = ["http", "text"];
/**
 * For blocks that are neither run nor compared: log lines, commands for a real Cloudflare account, diagrams, and
 * settings and SQL to read.
 */
const ignoredLanguages = ["console", "mermaid", "sql", "toml"];

/**
 * The examples of a guide, in order.
 *
 * @throws an error for a block in another language, and for output without an example before it.
 */
export function examplesIn(markdown: string): Example[] {
  const examples: Example[] = [];
  let last: Example | undefined;
  for (const [, language = "", needs = "", text = ""] of markdown.matchAll(FENCE)) {
    if (outputLanguages.includes(language) && last && !last.shown) last.shown = { language, text };
    else if (codeLanguages.includes(language)) {
      last = { language, needs: needs.split(" ").filter(Boolean), code: text, shown: undefined };
      examples.push(last);
    } else if (ignoredLanguages.includes(language)) last = undefined;
    else throw new Error(`This block is neither run nor compared:\n${text}`);
  }
  return examples;
}

/** Printed between the outputs of two pieces of a script. */
const SEPARATOR = "\u001e";

/**
 * Runs pieces of a script in one bash session, like a reader who pastes one after another.
 *
 * @returns the output of each piece, standard output and errors.
 */
export async function runPieces(pieces: string[], cwd: string, env: Record<string, string>) {
  const script = ["exec 2>&1", ...pieces.map((piece) => `${piece}\nprintf '\\036'`)].join("\n");
  const printed = await new Promise<string>((resolve, reject) => {
    execFile("bash", ["-c", script], { cwd, env, timeout: 300_000 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    ).stdin?.end();
  });
  return printed.split(SEPARATOR).slice(0, pieces.length);
}
