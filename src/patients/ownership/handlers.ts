import { createFactory } from "hono/factory";
import { isViolationOf } from "../../db/errors.ts";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import {
  type FieldError,
  Problem,
  requireAdmin,
  requireFound,
  requireNotMerged,
  validationProblem,
} from "../../http/problems.ts";
import { respondJson } from "../../http/respond.ts";
import { validate } from "../../http/validation.ts";
import {
  AccountTransfer,
  EmergencyAccessReason,
  ErasureReason,
  RestoreQuery,
  TransferTarget,
} from "../requests.ts";
import { grantEmergencyAccess } from "./emergency-access-queries.ts";
import { erasePatient } from "./erase-queries.ts";
import { restorePatient, transferAllPatients, transferPatient } from "./queries.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** Awaits a statement. @throws `problem` when it would give an account two patients with the same email */
async function rejectDuplicateEmail<Row>(statement: Promise<Row>, problem: () => Problem): Promise<Row> {
  try {
    return await statement;
  } catch (error) {
    throw isViolationOf(error, "patients_owner_id_email_key") ? problem() : error;
  }
}

/** `POST /:id/restore`: restores a deleted patient. */
export const restoreHandlers = createHandlers(
  validate("param", IdPath),
  validate("query", RestoreQuery),
  async (c) => {
    const { partial = false } = c.req.valid("query");
    const restore = () => restorePatient(c.get("caller"), { ...c.req.valid("param"), partial });
    const statement = restore().catch((error: unknown) => {
      // A concurrent request deleted a doctor: the statement's snapshot does not show it, the foreign key does. A new
      // snapshot will.
      if (!isViolationOf(error, "mappings_doctor_fkey")) throw error;
      return restore();
    });
    const { body, isEmailTaken, missingDoctors, ...state } = await rejectDuplicateEmail(
      statement,
      ownerHasEmail,
    );
    requireNotMerged(state);
    if (isEmailTaken) throw ownerHasEmail();
    if (body === null && missingDoctors.length > 0) throw missingDoctorsProblem(missingDoctors);
    return respondJson(requireFound(body, "deleted patient"));
  },
);

const ownerHasEmail = () => new Problem("email_taken", "Another patient of the same owner has this email.");
const missingDoctorsProblem = (ids: number[]) =>
  new Problem(
    "doctor_deleted",
    `Doctor ${ids.join(", ")} of this patient's assignments was deleted; ?partial=true restores the patient without these assignments.`,
  );

/** `POST /:id/transfer`: transfers a patient to another account. */
export const transferHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", TransferTarget),
  async (c) => {
    const values = { ...c.req.valid("param"), ...c.req.valid("json") };
    const result = await rejectDuplicateEmail(transferPatient(c.get("caller"), values), receiverHasEmail);
    requireAdmin(result.isAdmin, "transfer patients");
    requireNotMerged(result);
    if (!result.toAccount) throw validationProblem({ to: [NO_ACTIVE_ACCOUNT] });
    if (result.isEmailTaken) throw receiverHasEmail();
    return respondJson(requireFound(result.body, "patient"));
  },
);

const receiverHasEmail = () =>
  new Problem("receiver_has_email", "The receiving account already has a patient with this email.");
const receiverGotEmail = () =>
  new Problem(
    "write_conflict",
    "The receiving account just got a patient with one of these emails. Nothing was transferred; try again.",
  );
const NO_ACTIVE_ACCOUNT: FieldError = {
  code: "no_such_record",
  message: "There is no such active account that may own patients.",
};
const NO_ACCOUNT: FieldError = { code: "no_such_record", message: "There is no such account." };

/** `POST /transfer`: transfers all patients of an account to another one. */
export const transferAllHandlers = createHandlers(validate("json", AccountTransfer), async (c) => {
  const statement = transferAllPatients(c.get("caller"), c.req.valid("json"));
  const result = await rejectDuplicateEmail(statement, receiverGotEmail);
  requireAdmin(result.isAdmin, "transfer patients");
  if (result.body) return respondJson(result.body);
  throw validationProblem({
    ...(!result.fromAccount && { from: [NO_ACCOUNT] }),
    ...(!result.toAccount && { to: [NO_ACTIVE_ACCOUNT] }),
  });
});

/** `POST /:id/erase`: removes a deleted patient for good. */
export const eraseHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", ErasureReason),
  async (c) => {
    const values = { ...c.req.valid("param"), ...c.req.valid("json") };
    const { isAdmin, isFound, body, ...state } = await erasePatient(c.get("caller"), values);
    requireAdmin(isAdmin, "erase patients");
    requireNotMerged(state);
    if (isFound && body === null)
      throw new Problem("patient_not_deleted", "Only a deleted patient can be erased. Delete it first.");
    return respondJson(requireFound(body, "patient"));
  },
);

/** `POST /:id/access`: gives an admin emergency access (break-glass) to a patient. */
export const grantEmergencyAccessHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", EmergencyAccessReason),
  async (c) => {
    const values = { ...c.req.valid("param"), ...c.req.valid("json") };
    const grant = () => grantEmergencyAccess(c.get("caller"), values);
    const { isAdmin, body, ...state } = await grant().catch((error: unknown) => {
      // The patient was erased while the statement waited for the caller's lock: a new snapshot does not have it.
      if (!isViolationOf(error, "emergency_accesses_patient_id_fkey")) throw error;
      return grant();
    });
    requireAdmin(isAdmin, "use emergency access");
    requireNotMerged(state);
    return respondJson(requireFound(body, "patient"), 201);
  },
);
