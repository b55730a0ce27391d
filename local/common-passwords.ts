import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dictionary } from "@zxcvbn-ts/language-common";

// Generates src/auth/common-passwords.ts. Run `node local/common-passwords.ts` after an update of the package with the list.

/** How many passwords: more would make the Worker larger, and are less common. */
const COUNT = 1000;

export const sourceFile = join(import.meta.dirname, "..", "src", "auth", "common-passwords.ts");

/** The content of that file. */
export function generateSource(): string {
  const long = dictionary["passwords-common"].filter(
    (password) => /^[!-~]{8,}$/.test(password) && !/[A-Z]/.test(password),
  );
  const sorted = long.slice(0, COUNT).sort();
  const commonPrefixLength = (a = "", b = "") => [...a].findIndex((letter, index) => letter !== b[index]);
  const packed = sorted.map((password, index) => {
    const length = index === 0 ? 0 : commonPrefixLength(password, sorted[index - 1]);
    return String.fromCharCode(65 + length) + password.slice(length);
  });
  return `/**
 * The ${COUNT} most common passwords of 8 and more characters, in order. A capital letter says how many characters each has in
 * common with the one before it: A none, B one … From @zxcvbn-ts/language-common (MIT), by local/common-passwords.ts.
 */
export const packed =
  ${JSON.stringify(packed.join(""))};
`;
}

if (import.meta.main) writeFileSync(sourceFile, generateSource());
