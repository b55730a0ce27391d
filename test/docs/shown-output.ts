import { expect } from "vitest";

/** In a guide: something is left out here, or differs each time. */
const ANYTHING = "…";

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/**
 * Makes a pattern for compact JSON from the JSON that a guide shows. `…` inside a string matches any text, `…` as a value
 * matches any string or number, and `…` in place of members or elements matches any number of them.
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
  if (token.startsWith('"')) return token.split(ANYTHING).map(escapeRegExp).join('[^"]*');
  return escapeRegExp(token);
}

/** Makes a pattern from text that a guide shows. A line that is only `…` matches any number of lines. */
const patternOfText = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .split("\n")
      .map((line) => (line === ANYTHING ? "[^]*" : line.split(ANYTHING).map(escapeRegExp).join(".*")))
      .join("\n")}$`,
  );

function expectText(actual: string, shown: string, pattern = patternOfText(shown)): void {
  // Only to report the difference: a text that does not match the pattern is never equal to `shown`.
  if (!pattern.test(actual)) expect(actual).toBe(shown);
}

/** @throws an error when the output `printed` does not match what the guide shows */
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

/** The HTTP responses, with status line and headers, in curl's output or in a guide. */
function answersIn(text: string) {
  const answers = tidy(text).split(/^(?=HTTP\/)/m);
  if (!answers[0]?.startsWith("HTTP/")) throw new Error(`This is not an HTTP response:\n${text}`);
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

/** The status lines of 4xx and 5xx responses in an output. */
export const errorsIn = (printed: string): string[] => printed.match(/^HTTP\/\S+ [45].*/gm) ?? [];
