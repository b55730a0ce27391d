import { createFactory } from "hono/factory";
import { isViolationOf } from "../../db/errors.ts";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import { requireReplayable, respondCreated } from "../../http/idempotency.ts";
import {
  formatEtag,
  requireWritable,
  versionsExpectedBy,
  versionsToChange,
} from "../../http/preconditions.ts";
import {
  clinicRoleProblem,
  fieldProblem,
  notFoundProblem,
  Problem,
  requireFound,
} from "../../http/problems.ts";
import { respondJson } from "../../http/respond.ts";
import { validate, validateHeaders } from "../../http/validation.ts";
import { mergePatient } from "./queries.ts";
import { columnsTaken, MergeHeaders, PatientMerge } from "./requests.ts";
import { unmergePatient } from "./unmerge-queries.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** `POST /:id/merge`: merges a patient into another one, its survivor, and responds with the survivor. */
export const mergeHandlers = createHandlers(
  validate("param", IdPath),
  validateHeaders(MergeHeaders),
  validate("json", PatientMerge),
  async (c) => {
    const headers = c.req.valid("header");
    const { into, take = [], if_match } = c.req.valid("json");
    const values = {
      ...c.req.valid("param"),
      ...versionsToChange(c, headers),
      into,
      take: columnsTaken(take),
      into_expected: versionsExpectedBy(if_match),
    };
    const result = await mergePatient(c.get("caller"), values, headers["Idempotency-Key"]);
    requireReplayable(result);
    if (result.body === null) {
      requireWritable({ ...result, isExpectedVersion: true }, "patient", headers);
      if (!result.hasSurvivor) throw fieldProblem("into", "no_such_record", NO_SURVIVOR);
      requireWritable(result, "patient", headers);
      if (!result.isExpectedSurvivor) throw new Problem("precondition_failed", SURVIVOR_CHANGED);
      if (result.isIncomplete) throw fieldProblem("take", "required", INCOMPLETE);
      if (result.longLists.length > 0) throw listsTooLong(result.longLists);
      if (result.overlapping.length > 0) throw appointmentsOverlap(result.overlapping);
    }
    return respondCreated(result, { ETag: formatEtag(result.etag ?? "") }, 200);
  },
);

/** `POST /:id/unmerge`: undoes a merge. */
export const unmergeHandlers = createHandlers(validate("param", IdPath), async (c) => {
  const unmerge = () => unmergePatient(c.get("caller"), c.req.valid("param"));
  const result = await unmerge().catch((error: unknown) => {
    // A concurrent request took an email or an identifier: the statement's snapshot does not show it, the constraint
    // does. A new snapshot will, and it stays away.
    if (!unique.some((constraint) => isViolationOf(error, constraint))) throw error;
    return unmerge();
  });
  if (result.body !== null) return respondJson(result.body);
  requireFound(result.isTarget, "patient");
  if (result.mergedInto === null) throw new Problem("not_merged", "This patient is not merged.");
  if (!requireFound(result.canChangeSuccessor, "patient"))
    throw result.isOwnSuccessor
      ? clinicRoleProblem()
      : new Problem("not_patient_owner", "Only the owner of its successor may undo the merge.");
  if (result.isSurvivorMerged) throw survivorMerged(result.mergedInto);
  // It was deleted or transferred while the statement waited.
  if (!result.hasSurvivor) throw notFoundProblem("patient");
  throw new Problem("unmerge_expired", "The merge was too long ago: it can be undone within 30 days.");
});

const unique = ["patients_owner_id_email_key", "patient_identifiers_owner_id_key_system_key"] as const;

const survivorMerged = (id: number) =>
  new Problem("survivor_merged", `Its survivor, patient ${id}, was merged itself. Undo that merge first.`);
const listsTooLong = (fields: string[]) =>
  new Problem(
    "merge_exceeds_limit",
    `Together the patients have too many ${fields.join(" and ")}. Remove some of them first.`,
  );
const appointmentsOverlap = (appointments: number[]) =>
  new Problem(
    "appointments_overlap",
    "Both patients have appointments at the same time. Cancel or move them first.",
    { appointments },
  );
const INCOMPLETE = "The survivor would have no name, or no contact";
const NO_SURVIVOR = "There is no other patient of yours with this id.";
const SURVIVOR_CHANGED = "The patient in into has changed since the version in if_match: read it again.";
