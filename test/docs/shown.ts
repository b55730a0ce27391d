import { expect } from "vitest";

/** Stands in a guide for something that is left out, or differs each time. */
const ANYTHING = "…";

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/**
 * What a guide shows of some JSON, as a pattern of the same without spaces. `…` within a text is the rest of it, as a value
 * is any text or number, and in place of further members or elements all that there are.
 */
function patternOfJson(shown: string): RegExp {
  let before = "";
  const parts = Array.from(shown.matchAll(/"(?:[^"\\]|\\.)*"|…|[^\s"…]+/g), ([token]) => {
    const part = partOf(token, before);
    before = token;
    return part;
  });
  return new RegExp(`^${parts.join("")}$`);
}

function partOf(token: string, before: string): string {
  if (token === ANYTHING) return before.endsWith(":") ? '(?:"(?:[^"\\\\]|\\\\.)*"|-?\\d+)' : ".*";
  if (token.startsWith('"')) return token.split(ANYTHING).map(literally).join('[^"]*');
  return literally(token);
}

/** Text as a pattern of it, line by line; a line that is `…` alone stands for any number of lines. */
const patternOfText = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .split("\n")
      .map((line) => (line === ANYTHING ? "[^]*" : line.split(ANYTHING).map(literally).join(".*")))
      .join("\n")}$`,
  );

function expectText(actual: string, shown: string, pattern = patternOfText(shown)): void {
  // Comparing the texts says where they differ; they are not the same when the pattern does not match.
  if (!pattern.test(actual)) expect(actual).toBe(shown);
}

/** @throws an error when something was printed that is not what is shown. */
export function expectShown(printed: string, { language, text }: { language: string; text: string }): void {
  if (language === "text") {
    expectText(tidy(printed), tidy(text));
    return;
  }
  const answers = answersIn(printed);
  const shown = answersIn(text);
  expect(answers.map(({ status }) => status)).toEqual(shown.map(({ status }) => status));
  for (const [index, { headers, body }] of shown.entries()) {
    const answer = answers[index];
    if (!answer) continue;
    for (const [name, value] of headers)
      expectText(`${name}: ${answer.headers.get(name)}`, `${name}: ${value}`);
    if (body && /[/+]json$/.test(answer.headers.get("content-type") ?? ""))
      expectText(JSON.stringify(JSON.parse(answer.body)), body, patternOfJson(body));
    else if (body) expectText(answer.body, body);
  }
}

/** The HTTP answers that curl has printed with their heads, or that a guide shows so. */
function answersIn(text: string) {
  const answers = tidy(text).split(/^(?=HTTP\/)/m);
  if (!answers[0]?.startsWith("HTTP/")) throw new Error(`Here is no answer of HTTP:\n${text}`);
  return answers.map((answer) => {
    const [head = "", ...bodies] = answer.split("\n\n");
    const [status = "", ...lines] = head.trim().split("\n");
    const headers = new Map(
      lines.map((line) => line.split(/: ?(.*)/, 2)).map(([n = "", v = ""]) => [n.toLowerCase(), v]),
    );
    return { status, headers, body: bodies.join("\n\n").trim() };
  });
}

const tidy = (text: string): string => text.replaceAll("\r\n", "\n").trim();

/** The statuses of errors among what was printed. */
export const errorsIn = (printed: string): string[] => printed.match(/^HTTP\/\S+ [45].*/gm) ?? [];
