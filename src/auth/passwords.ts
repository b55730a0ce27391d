import { compare, getRounds, hash, truncates } from "bcryptjs";

/** The hash, at some cost, of a password that nobody has. */
const decoy = (cost: number): string =>
  `$2b$${String(cost).padStart(2, "0")}$x4Xq12WBEQVtfW3.lh7.5OuvbkJ07TCo2RQLMyjedtCozT73BREsq`;

/** The bcrypt hash of `password`, 60 characters; `cost` is the logarithm of the rounds. */
export const hashPassword = (password: string, cost: number): Promise<string> => hash(password, cost);

/**
 * Whether `password` is the one of `passwordHash`. It takes the time of one hash at `cost` in any case: when there is no
 * account to compare with, a decoy is; and when the account's hash is from before the cost was raised, decoys make up
 * for it (2^c + … + 2^(cost-1) rounds are 2^cost - 2^c).
 */
export async function passwordMatches(
  password: string,
  passwordHash: string | undefined,
  cost: number,
): Promise<boolean> {
  const same = await compare(password, passwordHash ?? decoy(cost));
  if (passwordHash === undefined) return false;
  for (let made = getRounds(passwordHash); made < cost; made += 1) await compare(password, decoy(made));
  return same && !truncates(password);
}
