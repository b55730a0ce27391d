import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dictionary } from "@zxcvbn-ts/language-common";

// Writes src/auth/common-passwords.ts anew: `node local/common-passwords.ts`, after the list's package was updated.

/** How many of them: more weigh more in the Worker, and are less common. */
const COUNT = 1000;

export const file = join(import.meta.dirname, "..", "src", "auth", "common-passwords.ts");

/** What is in that file. */
export function written(): string {
  const long = dictionary["passwords-common"].filter((one) => /^[!-~]{8,}$/.test(one) && !/[A-Z]/.test(one));
  const sorted = long.slice(0, COUNT).sort();
  const shared = (a = "", b = "") => [...a].findIndex((letter, at) => letter !== b[at]);
  const packed = sorted.map((one, at) => {
    const same = at === 0 ? 0 : shared(one, sorted[at - 1]);
    return String.fromCharCode(65 + same) + one.slice(same);
  });
  return `/**
 * The ${COUNT} most common passwords of 8 and more characters, in order. A capital letter says how many characters each has in
 * common with the one before it: A none, B one … From @zxcvbn-ts/language-common (MIT), by local/common-passwords.ts.
 */
export const packed =
  ${JSON.stringify(packed.join(""))};
`;
}

if (import.meta.main) writeFileSync(file, written());
