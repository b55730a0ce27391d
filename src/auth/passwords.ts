import { compare, getRounds, hash, truncates } from "bcryptjs";
import { packed } from "./common-passwords.ts";

/** The hash, at some cost, of a password that nobody has. */
const decoy = (cost: number): string =>
  `$2b$${String(cost).padStart(2, "0")}$x4Xq12WBEQVtfW3.lh7.5OuvbkJ07TCo2RQLMyjedtCozT73BREsq`;

/** The bcrypt hash of `password`, 60 characters; `cost` is the logarithm of the rounds. */
export const hashPassword = (password: string, cost: number): Promise<string> => hash(password, cost);

/**
 * What is compared with a hash: a password as it is typed, in Unicode's normal form (NIST SP 800-63B-4, section 3.1.1.2); and as it
 * was hashed before that, without the space around it, where that makes a difference.
 */
function formsOf(typed: string): { form: string; isOlder: boolean }[] {
  const [form, older] = [typed.normalize("NFC"), typed.trim()];
  return [{ form, isOlder: false }, ...(older === form ? [] : [{ form: older, isOlder: true }])];
}

/** A hash, and whether it may be of the older form. */
export interface Stored {
  password_hash: string;
  password_trimmed: boolean;
}

/**
 * The form of a `typed` password that has the `stored` hash; `undefined` when none has. It takes the time of one hash at `cost` for
 * each form in any case: when there is no account to compare with, a decoy is; and when the account's hash is from before the
 * cost was raised, decoys make up for it (2^c + … + 2^(cost-1) rounds are 2^cost - 2^c).
 */
export async function matchingForm(
  typed: string,
  stored: Stored | undefined,
  cost: number,
): Promise<string | undefined> {
  let matching: string | undefined;
  for (const { form, isOlder } of formsOf(typed)) {
    const same = await compare(form, stored?.password_hash ?? decoy(cost));
    const first = stored ? getRounds(stored.password_hash) : cost;
    for (let made = first; made < cost; made += 1) await compare(form, decoy(made));
    if (same && stored && (!isOlder || stored.password_trimmed) && !truncates(form)) matching ??= form;
  }
  return matching;
}

/** The hash that is to replace one of a lower cost, now that its password is known; null for one that may stay. */
export async function hashAnew(password: string, passwordHash: string, cost: number): Promise<string | null> {
  return getRounds(passwordHash) < cost ? hashPassword(password, cost) : null;
}

function unpack(): Set<string> {
  let last = "";
  const words = packed.match(/[A-Z][^A-Z]*/g) ?? [];
  return new Set(
    words.map((word) => {
      last = last.slice(0, word.charCodeAt(0) - 65) + word.slice(1);
      return last;
    }),
  );
}
/** When it is first needed: not when the Worker starts. */
let common: Set<string> | undefined;

/** Whether others use this password, in whatever case. */
export function isCommon(password: string): boolean {
  common ??= unpack();
  return common.has(password.toLowerCase());
}
