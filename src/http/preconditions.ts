import type { Context } from "hono";
import type { TargetState } from "../db/query/resource.ts";
import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import type { AuthenticatedEnv } from "./context.ts";
import { MAX_ID } from "./fields.ts";
import { Problem, requireFound } from "./problems.ts";
import { respondJson } from "./respond.ts";

/** The ETag of a record's version (RFC 9110, section 8.8.3). */
export const formatEtag = (version: number): string => `"${version}"`;

const ETAGS =
  /^\s*(?:\*|(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*)\s*$/;

/**
 * The versions in a list of ETags; `any` for `*`. Weak ETags count too: Cloudflare weakens an ETag when it compresses
 * a response, and a version belongs to the record, however it is encoded. An ETag that no record can have is ignored.
 */
const etags = z.pipe(
  z.string().check(z.regex(ETAGS, 'Must be an ETag like "1", several with commas between them, or *')),
  z.transform((list): "any" | number[] => {
    if (list.trim() === "*") return "any";
    const versions = [...list.matchAll(/"([1-9]\d{0,9})"/g)].map(([, version]) => Number(version));
    return versions.filter((version) => version <= MAX_ID);
  }),
);

/** The header `If-None-Match`: the versions that the client has. */
export const IfNoneMatch = z.object({ "If-None-Match": z.optional(etags) });

/** The header `If-Match`, for optimistic locking: the version that the client wants to change. */
export const IfMatch = z.object({ "If-Match": z.optional(etags) });

/** The versions that need not be sent. */
export const knownVersions = ({ "If-None-Match": match }: z.infer<typeof IfNoneMatch>): number[] =>
  match === undefined || match === "any" ? [] : match;

/**
 * Responds with a record and its version, or with 304 when the client has that version (RFC 9110, section 13.1.2).
 *
 * @throws {Problem} 404 when `version` is null.
 */
export function respondIfModified<Shape>(
  c: Context<AuthenticatedEnv>,
  { version, body }: { version: number | null; body: Json<Shape> | null },
  { "If-None-Match": match }: z.infer<typeof IfNoneMatch>,
  resourceName: string,
) {
  const headers = { ETag: formatEtag(requireFound(version, resourceName)) };
  return body === null || match === "any" ? c.body(null, 304, headers) : respondJson(body, 200, headers);
}

/**
 * The versions that a record may have to be changed; null for any.
 *
 * @throws {Problem} 428 without `If-Match`, when `REQUIRE_IF_MATCH` is set (RFC 6585, section 3).
 */
export function expectedVersions(
  c: Context<AuthenticatedEnv>,
  { "If-Match": match }: z.infer<typeof IfMatch>,
): number[] | null {
  if (match === undefined && c.get("config").REQUIRE_IF_MATCH)
    throw new Problem(
      "precondition_required",
      "If-Match is required: send the ETag of the record as you last read it.",
    );
  return match === undefined || match === "any" ? null : match;
}

/** Who may change a record that others may read, and the code of the 403 for everybody else. */
const writers = {
  patient: { code: "not_patient_owner", who: "Only the patient's owner" },
  doctor: { code: "not_doctor_creator", who: "Only the account that created this doctor or an admin" },
} as const;
export type ResourceKind = keyof typeof writers;

/** What only an admin may do with a doctor that others may change. */
const RELIED_ON =
  "Others rely on this doctor: an account is linked to it, or another account's patient is assigned. Only an admin may delete it, or change its names, email or active.";

/**
 * Checks the state of the record that a statement was to change.
 *
 * @throws {Problem} 404; 403 when the caller may only read it, or only an admin may change it so; 412 when it has another version (RFC 9110, section
 *   13.1.1).
 */
export function requireWritable(
  { canChange, isExpectedVersion, needsAdmin }: TargetState,
  resourceName: ResourceKind,
): void {
  const { code, who } = writers[resourceName];
  if (!requireFound(canChange, resourceName)) throw new Problem(code, `${who} may change or delete it.`);
  if (needsAdmin) throw new Problem("doctor_relied_on", RELIED_ON);
  if (!isExpectedVersion)
    throw new Problem(
      "precondition_failed",
      `The ${resourceName} has changed since the version in If-Match: read it again.`,
    );
}
