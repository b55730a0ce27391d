import { execFile } from "node:child_process";

/** A fenced block of a guide, and the block after it, which shows what it prints. */
export interface Example {
  /** `sh`, or `ts` for a program with the typed client. */
  language: string;
  /** What the fence says after the language: what is needed to run it, or a setting that the API has then. */
  needs: string[];
  code: string;
  /** Undefined when nothing is shown. */
  shown: { language: string; text: string } | undefined;
}

const FENCE = /^```(\S*)(.*)\n([\s\S]*?)^```$/gm;
const runs = ["sh", "ts"];
const shows = ["http", "text"];
/** What is neither run nor printed by what is: a log's lines, and commands for somebody else's cloud. */
const told = ["console"];

/**
 * The examples of a guide, in order.
 *
 * @throws an error for a block that is none of these, or that shows what nothing has printed.
 */
export function examplesIn(markdown: string): Example[] {
  const examples: Example[] = [];
  let last: Example | undefined;
  for (const [, language = "", needs = "", text = ""] of markdown.matchAll(FENCE)) {
    if (shows.includes(language) && last && !last.shown) last.shown = { language, text };
    else if (runs.includes(language)) {
      last = { language, needs: needs.split(" ").filter(Boolean), code: text, shown: undefined };
      examples.push(last);
    } else if (told.includes(language)) last = undefined;
    else throw new Error(`This block is neither run nor compared:\n${text}`);
  }
  return examples;
}

/** Between what one piece of a script prints and what the next one does. */
const SEPARATOR = "\u001e";

/**
 * Runs pieces of a script in one session of bash, as somebody does who pastes one after the other.
 *
 * @returns what each printed, errors too.
 */
export async function printedBy(pieces: string[], cwd: string, env: Record<string, string>) {
  const script = ["exec 2>&1", ...pieces.map((piece) => `${piece}\nprintf '\\036'`)].join("\n");
  const printed = await new Promise<string>((resolve, reject) => {
    execFile("bash", ["-c", script], { cwd, env, timeout: 60_000 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    ).stdin?.end();
  });
  return printed.split(SEPARATOR).slice(0, pieces.length);
}
