import { compare, getRounds, hash, truncates } from "bcryptjs";

/** A bcrypt hash of the given cost that no known password has. */
const decoyHash = (cost: number): string =>
  `$2b$${String(cost).padStart(2, "0")}$x4Xq12WBEQVtfW3.lh7.5OuvbkJ07TCo2RQLMyjedtCozT73BREsq`;

/** How many bytes bcrypt reads. */
const BCRYPT_BYTES = 72;

/**
 * What bcrypt hashes in place of a password: its SHA-512 in base64, so that every byte of a long password counts. All
 * characters are ASCII: bcrypt would stop at a zero byte of the hash itself. Of the 88 characters bcrypt reads 72,
 * which are cut off here because it depends on the library whether a longer text is an error: 432 of 512 bits.
 */
async function prehash(password: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(password));
  return btoa(String.fromCharCode(...new Uint8Array(digest))).slice(0, BCRYPT_BYTES);
}

/**
 * The hash of a password as it is stored, with `password_prehashed` true: 60 characters.
 *
 * @param cost the binary logarithm of bcrypt's number of rounds, 4 to 14.
 */
export const hashPassword = async (password: string, cost: number): Promise<string> =>
  hash(await prehash(password), cost);

/**
 * The forms of a typed password that may have been hashed: in Unicode's normal form NFC (NIST SP 800-63B-4, section
 * 3.1.1.2), and trimmed, as version 1.0 did.
 */
function passwordForms(typedPassword: string): { form: string; isTrimmed: boolean }[] {
  const [form, trimmed] = [typedPassword.normalize("NFC"), typedPassword.trim()];
  return [{ form, isTrimmed: false }, ...(trimmed === form ? [] : [{ form: trimmed, isTrimmed: true }])];
}

/** A password as the database has it. */
export interface StoredPassword {
  password_hash: string;
  /** Whether it may have been trimmed before it was hashed. */
  password_trimmed: boolean;
  /** Whether bcrypt got its SHA-512. False: it got the password, as before version 1.2. */
  password_prehashed: boolean;
}

/**
 * Compares a typed password with a stored one. It takes the same time whether or not there is an account and whether
 * the password is right: one hash at `cost` for each form. Without a stored password it compares with a decoy, and for
 * a hash of a lower cost decoys make up the difference (2^c + … + 2^(cost-1) rounds are 2^cost - 2^c). A stored hash
 * of a higher cost takes longer, until it is replaced.
 *
 * @param storedPassword `undefined` when there is no account.
 * @returns the form that matches; `undefined` when none does.
 */
export async function matchPassword(
  typedPassword: string,
  storedPassword: StoredPassword | undefined,
  cost: number,
): Promise<string | undefined> {
  let match: string | undefined;
  for (const { form, isTrimmed } of passwordForms(typedPassword)) {
    const prehashed = await prehash(form);
    const input = storedPassword?.password_prehashed === false ? form : prehashed;
    const isSame = await compare(input, storedPassword?.password_hash ?? decoyHash(cost));
    const storedCost = storedPassword ? getRounds(storedPassword.password_hash) : cost;
    for (let c = storedCost; c < cost; c += 1) await compare(input, decoyHash(c));
    if (isSame && storedPassword && (!isTrimmed || storedPassword.password_trimmed) && !truncates(input))
      match ??= form;
  }
  return match;
}

/**
 * A new hash of a password whose stored hash has a lower cost than `cost`, or is one of the password itself; null
 * when the stored one can stay.
 */
export async function rehashIfOutdated(
  password: string,
  { password_hash, password_prehashed }: StoredPassword,
  cost: number,
): Promise<string | null> {
  const storedCost = getRounds(password_hash);
  return storedCost < cost || !password_prehashed ? hashPassword(password, Math.max(storedCost, cost)) : null;
}
