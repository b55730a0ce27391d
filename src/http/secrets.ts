import type { Config } from "../config.ts";

/** The secrets that something of ours may be signed or sealed with: the one in use, and the one that it replaces. */
export const secretsOf = ({ JWT_SECRET, JWT_SECRET_PREVIOUS }: Config): [string, ...string[]] =>
  JWT_SECRET_PREVIOUS ? [JWT_SECRET, JWT_SECRET_PREVIOUS] : [JWT_SECRET];
