import type { Context } from "hono";
import type { FoundRecord, TargetState } from "../db/query/resource.ts";
import * as z from "../zod.ts";
import type { AuthenticatedEnv } from "./context.ts";
import { MAX_ID } from "./fields.ts";
import { clinicRoleProblem, Problem, requireFound, requireNotMerged } from "./problems.ts";
import { respondJson } from "./respond.ts";

/**
 * The ETag of a record (RFC 9110, section 8.8.3): its version; of a patient `version.age`, because the age changes
 * without the version.
 */
export const formatEtag = (tag: string): string => `"${tag}"`;

const ETAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';

/**
 * `*`, or a list of ETags. Empty elements of the list are ignored (RFC 9110, section 5.6.1.2), but it has one that is not
 * empty. Matching takes linear time: at each character there is one way to continue.
 */
const ETAGS = new RegExp(`^(?:[ \\t]*\\*[ \\t]*|[ \\t,]*${ETAG}(?:[ \\t]*,[ \\t,]*${ETAG})*[ \\t,]*)$`);

/**
 * The versions and ages in a list, also with what a proxy adds to an ETag when it compresses a response: `-gzip`, `-br`
 * or `-zstd` (Apache, Caddy, Traefik), `--gzip` (Jetty), `-df` (Traffic Server), `;gz` (LiteSpeed). nginx, Varnish and
 * Cloudflare make it weak instead.
 */
const TAGS = /"(([1-9]\d{0,9})(?:\.\d{1,3})?)(?:(?:--?|;)(?:gzip|gz|br|zstd|deflate|df))*"/g;

/** An ETag without its quotation marks, and the version in it. */
interface RecordTag {
  tag: string;
  version: number;
}

/**
 * A list of ETags; `any` for `*`. Weak ETags count too: Cloudflare weakens an ETag when it compresses a response, and a
 * version belongs to the record, however it is encoded. An ETag that no record can have is ignored.
 */
const etags = z.pipe(
  z.string().check(z.regex(ETAGS, 'Must be an ETag like "1", several with commas between them, or *')),
  z.transform((list): "any" | RecordTag[] => {
    if (list.trim() === "*") return "any";
    const tags = [...list.matchAll(TAGS)].map(([, tag = "", version]) => ({ tag, version: Number(version) }));
    return tags.filter(({ version }) => version <= MAX_ID);
  }),
);

/** In a body, what `If-Match` is in a header: a version, or ETags. */
export const expectedVersion = z.union(
  [z.int().check(z.positive(), z.maximum(MAX_ID)), etags],
  'Must be a version, or an ETag like "1"',
);

/** The versions that a value of `expectedVersion` accepts; null for all. */
export const versionsExpectedBy = (expected: z.infer<typeof expectedVersion> | undefined): number[] | null =>
  typeof expected === "number" ? [expected] : versionsIn(expected);

const preconditions = { "If-Match": z.optional(etags), "If-None-Match": z.optional(etags) };

/** The headers of a conditional `GET` or `HEAD` of a record. */
export const ReadPreconditions = z.object(preconditions);

/** The headers of a conditional change of a record, for optimistic locking. */
export const WritePreconditions = z.object(preconditions);

/** The same of a change that needs no `If-Match`, whatever `REQUIRE_IF_MATCH` says: it was there before the header. */
export const OptionalPreconditions = z.object(preconditions);

type Preconditions = z.infer<typeof WritePreconditions>;

/** The versions in a list; null without the header, and for `*`. The age that an ETag names does not count. */
const versionsIn = (match: "any" | RecordTag[] | undefined): number[] | null =>
  match === undefined || match === "any" ? null : match.map(({ version }) => version);

/** The ETags in a list; none without the header, and for `*`. */
const tagsIn = (match: "any" | RecordTag[] | undefined): string[] =>
  match === undefined || match === "any" ? [] : match.map(({ tag }) => tag);

/** Which states of a record to send. `expected`: versions; null for all. `known`: the ETags that the client has. */
export const versionsToRead = ({ "If-Match": match, "If-None-Match": noneMatch }: Preconditions) => ({
  expected: versionsIn(match),
  known: tagsIn(noneMatch),
});

/**
 * Which states a record may have to be changed (RFC 9110, section 13.2.2). `expected`: versions; null for all.
 * `excluded`: ETags that it must not have.
 *
 * @throws {Problem} 428 without `If-Match`, when `REQUIRE_IF_MATCH` is set (RFC 6585, section 3).
 */
export function versionsToChange(
  c: Context<AuthenticatedEnv>,
  headers: Preconditions,
): { expected: number[] | null; excluded: string[] } {
  if (headers["If-Match"] === undefined && c.get("config").REQUIRE_IF_MATCH)
    throw new Problem(
      "precondition_required",
      "If-Match is required: send the ETag of the record as you last read it.",
    );
  return changeableVersions(headers);
}

/**
 * The same of a record that a PUT replaces or creates. `must_exist`: whether `If-Match` refuses to create it (RFC 9110,
 * section 13.1.1). `If-None-Match: *` creates it only, and is as safe as `If-Match`.
 *
 * @throws {Problem} 428 without either, when `REQUIRE_IF_MATCH` is set.
 */
export const versionsToReplace = (c: Context<AuthenticatedEnv>, headers: Preconditions) => ({
  ...(headers["If-None-Match"] === "any" ? changeableVersions(headers) : versionsToChange(c, headers)),
  must_exist: headers["If-Match"] !== undefined,
});

/** The same for `OptionalPreconditions`. */
export const changeableVersions = ({ "If-Match": match, "If-None-Match": noneMatch }: Preconditions) => ({
  // `If-None-Match: *` is false for every record that there is.
  expected: noneMatch === "any" ? [] : versionsIn(match),
  excluded: tagsIn(noneMatch),
});

/**
 * Responds with a record and its version, or with 304 when the client has that version (RFC 9110, section 13.1.2).
 *
 * @throws {Problem} 410 when it has a successor; 404 when `etag` is null; 412 when it is not expected (section 13.1.1),
 *   also when the client has it.
 */
export function respondIfModified<Shape>(
  c: Context<AuthenticatedEnv>,
  { etag, isExpectedVersion, body, successor }: FoundRecord<Shape>,
  { "If-None-Match": noneMatch }: Preconditions,
  resourceName: string,
) {
  requireNotMerged({ successor });
  const headers = { ETag: formatEtag(requireFound(etag, resourceName)) };
  if (!isExpectedVersion) throw preconditionFailed(resourceName, {});
  return body === null || noneMatch === "any" ? c.body(null, 304, headers) : respondJson(body, 200, headers);
}

/** 412: the record has another version than these headers ask for. */
const preconditionFailed = (resourceName: string, { "If-None-Match": noneMatch }: Preconditions): Problem =>
  new Problem(
    "precondition_failed",
    noneMatch === undefined
      ? `The ${resourceName} has changed since the version in If-Match: read it again.`
      : `The ${resourceName} has a version that If-Match or If-None-Match excludes: read it again.`,
  );

/** Who may change a record that others may read, and the code of the 403 for everybody else. */
const writers = {
  patient: { code: "not_patient_owner", who: "Only the patient's owner" },
  assignment: { code: "not_patient_owner", who: "Only the patient's owner or an admin" },
  appointment: {
    code: "not_appointment_owner",
    who: "Only the patient's clinic and the doctor's own account",
  },
  "identifier system": { code: "admin_required", who: "Only an admin" },
  doctor: { code: "not_doctor_creator", who: "Only the account that created this doctor or an admin" },
  schedule: {
    code: "not_doctor_creator",
    who: "Only the account that created the doctor, the doctor's own account or an admin",
  },
} as const;
export type ResourceKind = keyof typeof writers;

/** What only an admin may do with a doctor that its creator may change otherwise. */
const DOCTOR_RELIED_ON =
  "Others rely on this doctor: an account is linked to it, or a patient of another account or of a shared clinic is assigned. Only an admin may delete it, or change its names, email, phones or active.";

/**
 * Checks the state of the record that a statement was to change.
 *
 * @throws {Problem} 410 when it has a successor; 404; 403 when the caller may only read it, or when only an admin
 *   may make this change; 412 when it has a version that the request excludes.
 */
export function requireWritable(
  { canChange, isExpectedVersion, needsAdmin, needsClinicRole, successor }: TargetState,
  resourceName: ResourceKind,
  preconditions: Preconditions,
): void {
  requireNotMerged({ successor });
  const { code, who } = writers[resourceName];
  if (!requireFound(canChange, resourceName))
    throw needsClinicRole ? clinicRoleProblem() : new Problem(code, `${who} may change or delete it.`);
  if (needsAdmin) throw new Problem("doctor_relied_on", DOCTOR_RELIED_ON);
  if (!isExpectedVersion) throw preconditionFailed(resourceName, preconditions);
}
