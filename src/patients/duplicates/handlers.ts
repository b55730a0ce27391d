import { createFactory } from "hono/factory";
import { sendAgainOnViolation } from "../../db/errors.ts";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import { IdempotencyKey, respondCreated } from "../../http/idempotency.ts";
import { Problem, requireFound, requireNotMerged } from "../../http/problems.ts";
import { creationHeaders, requireAccepted } from "../../http/resource-handlers.ts";
import { respondJson } from "../../http/respond.ts";
import { validate, validateHeaders } from "../../http/validation.ts";
import { createPatient } from "../create-queries.ts";
import { withFreeIdentifiers } from "../identifier-checks.ts";
import { CreationQuery, NewPatient } from "../requests.ts";
import { listDuplicates } from "./queries.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

const PATH = "/api/patients";
const EMAIL_CONSTRAINT = "patients_owner_id_email_key";

const create = withFreeIdentifiers(createPatient);

/**
 * `POST /`: creates a patient, and links to those that it looks like; or refuses it because of them.
 *
 * @throws {Problem} 400, 409, 413, 415, 422
 */
export const createPatientHandlers = createHandlers(
  validateHeaders(IdempotencyKey),
  validate("query", CreationQuery),
  validate("json", NewPatient),
  async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const values = { record: c.req.valid("json"), refuseDuplicates: isRefusing(c.req.valid("query")) };
    const result = await sendAgainOnViolation(EMAIL_CONSTRAINT, () => create(c.get("caller"), values, key));
    requireAccepted(result, EMAIL_CONSTRAINT);
    const { body, duplicates } = result;
    if (body === null && duplicates.length > 0) throw possibleDuplicateProblem(duplicates);
    return respondCreated(result, { ...creationHeaders(PATH, result), ...linksTo(duplicates) });
  },
);

const isRefusing = ({ duplicates }: { duplicates?: string | undefined }): boolean => duplicates === "refuse";

/** A link to each duplicate, the best first (RFC 8288). */
const linksTo = (duplicates: number[]): Record<string, string> =>
  duplicates.length === 0
    ? {}
    : { Link: duplicates.map((id) => `<${PATH}/${id}/>; rel="duplicate"`).join(", ") };

const possibleDuplicateProblem = (duplicates: number[]) =>
  new Problem(
    "possible_duplicate",
    "This patient looks like others of yours. Nothing was created; if it is another person, send their ids in not_duplicate_of.",
    { duplicates },
  );

/** `GET /:id/duplicates`: the patients that look like one. @throws {Problem} 404, 410 */
export const listDuplicatesHandlers = createHandlers(validate("param", IdPath), async (c) => {
  const { body, ...state } = await listDuplicates(c.get("caller"), c.req.valid("param"));
  requireNotMerged(state);
  return respondJson(requireFound(body, "patient"));
});
