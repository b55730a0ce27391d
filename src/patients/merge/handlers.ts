import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import { requireReplayable, respondCreated } from "../../http/idempotency.ts";
import {
  formatEtag,
  requireWritable,
  versionsExpectedBy,
  versionsToChange,
} from "../../http/preconditions.ts";
import { fieldProblem, Problem } from "../../http/problems.ts";
import { validate, validateHeaders } from "../../http/validation.ts";
import { columnsTaken, MergeHeaders, PatientMerge } from "../requests.ts";
import { mergePatient } from "./queries.ts";

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
    }
    return respondCreated(result, { ETag: formatEtag(result.etag ?? "") }, 200);
  },
);

const NO_SURVIVOR = "There is no other patient of yours with this id.";
const SURVIVOR_CHANGED = "The patient in into has changed since the version in if_match: read it again.";
