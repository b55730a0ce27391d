import { expect, test, vi } from "vitest";
import { Registration } from "../../src/auth/requests.ts";
import { emailField } from "../../src/http/fields.ts";
import { readCsvLines } from "../../src/patients/import-csv.ts";

// The time of `normalize` grows with the square of the accents on a letter: 0.5 s for 64 KiB.
const accents = (length: number) => "a".padEnd(length, "\u0301\u0323");

/** The length of the longest text that `work` normalizes. */
function longestNormalized(work: () => unknown): number {
  const normalize = vi.spyOn(String.prototype, "normalize");
  try {
    work();
    return Math.max(0, ...normalize.mock.contexts.map((text) => String(text).length));
  } finally {
    normalize.mockRestore();
  }
}

test("an email or a new password of 32,000 accents is refused as too long and is not normalized", () => {
  const long = accents(32_000);
  const refused = () => {
    const { error } = Registration.safeParse({
      username: "ada",
      email: `${long}@example.org`,
      password: long,
    });
    expect(error?.issues.map(({ path, message }) => `${path}: ${message}`)).toEqual(
      expect.arrayContaining([
        "email: Too long: expected at most 254 characters",
        "password: Too long: expected at most 256 bytes of UTF-8",
      ]),
    );
  };
  expect(longestNormalized(refused)).toBeLessThan(1000);
});

test("an email that is long only with its accents apart, or with spaces around it, is stored in NFC", () => {
  const domain = "@example.org";
  const composed = "\u1f82".repeat(21);
  const sent = `${" ".repeat(2000)}${composed.normalize("NFD")}${domain} `;
  expect(emailField(128).parse(sent)).toBe(`${composed}${domain}`);
});

test("a cell of 8,000 accents in the header of a CSV file is an unknown column and is not normalized", () => {
  const read = () =>
    expect(() => [...readCsvLines(`firstname,${accents(8000)}\nAda,x\n`)]).toThrow("not valid");
  expect(longestNormalized(read)).toBeLessThan(1000);
});
