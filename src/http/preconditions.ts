import type { Context } from "hono";
import type { GuardedEnv } from "../auth/require-account.ts";
import type { Target } from "../db/query/resource.ts";
import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import { MAX_ID } from "./fields.ts";
import { Problem, requireFound } from "./problems.ts";
import { respond } from "./respond.ts";

/** The ETag of a record's version (RFC 9110, section 8.8.3). */
export const etagOf = (version: number): string => `"${version}"`;

const ETAGS =
  /^\s*(?:\*|(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*)\s*$/;

/**
 * The versions that a list of ETags names; `any` for `*`. A weak one names its version too: Cloudflare weakens what we
 * sent when it compresses an answer, and a version is of the whole record, however that is encoded. One that no record of ours can have names none.
 */
const etags = z.pipe(
  z.string().check(z.regex(ETAGS, 'Must be an ETag like "1", several with commas between them, or *')),
  z.transform((list): "any" | number[] => {
    if (list.trim() === "*") return "any";
    const versions = [...list.matchAll(/"([1-9]\d{0,9})"/g)].map(([, version]) => Number(version));
    return versions.filter((version) => version <= MAX_ID);
  }),
);

/** For reading one record: its versions that the client has. */
export const IfNoneMatch = z.object({ "If-None-Match": z.optional(etags) });

/** For changing one record: the version that the client has seen. */
export const IfMatch = z.object({ "If-Match": z.optional(etags) });

/** The versions of which a record need not be sent, for its statement. */
export const knownVersions = ({ "If-None-Match": match }: z.infer<typeof IfNoneMatch>): number[] =>
  match === undefined || match === "any" ? [] : match;

/** Answers with a record and its version, or with 304 when the client has it (RFC 9110, section 13.1.2). */
export function respondIfNew<Shape>(
  c: Context<GuardedEnv>,
  { version, body }: { version: number | null; body: Json<Shape> | null },
  { "If-None-Match": match }: z.infer<typeof IfNoneMatch>,
  what: string,
) {
  const headers = { ETag: etagOf(requireFound(version, what)) };
  return body === null || match === "any" ? c.body(null, 304, headers) : respond(body, 200, headers);
}

/**
 * The versions of which a record has to be to be changed, for its statement; null for whichever.
 *
 * @throws {Problem} 428 when none is said, and REQUIRE_IF_MATCH wants one (RFC 6585, section 3)
 */
export function expectedVersions(
  c: Context<GuardedEnv>,
  { "If-Match": match }: z.infer<typeof IfMatch>,
): number[] | null {
  if (match === undefined && c.get("config").REQUIRE_IF_MATCH)
    throw new Problem(428, "A change needs If-Match, with the ETag of the record as you have seen it.");
  return match === undefined || match === "any" ? null : match;
}

/** Who may write a record that others see. */
const writers = {
  patient: "Only the account whose patient this is",
  doctor: "Only the account that created this doctor, or an admin,",
};
export type Kind = keyof typeof writers;

/**
 * Lets pass what a statement says of the record that it was to change.
 *
 * @throws {Problem} 404; 403 when the caller may not; 412 when it is of another version (RFC 9110, section 13.1.1)
 */
export function requireWritable({ changeable, expected }: Target, what: Kind): void {
  if (!requireFound(changeable, what)) throw new Problem(403, `${writers[what]} may change or delete it.`);
  if (!expected)
    throw new Problem(412, `The ${what} is not of the version that If-Match names: read it again.`);
}
