import { createFactory } from "hono/factory";
import { isViolationOf, sendAgainOnViolation } from "../../db/errors.ts";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import {
  Problem,
  requireAdmin,
  requireClinicRole,
  requireFound,
  requireNotMerged,
} from "../../http/problems.ts";
import { respondJson } from "../../http/respond.ts";
import { validate } from "../../http/validation.ts";
import { ofSystem, rejectDuplicates } from "./duplicates.ts";
import { grantEmergencyAccess } from "./emergency-access-queries.ts";
import { erasePatient } from "./erase-queries.ts";
import { restorePatient } from "./queries.ts";
import { EmergencyAccessReason, ErasureReason, RestoreQuery } from "./requests.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** `POST /:id/restore`: restores a deleted patient. */
export const restoreHandlers = createHandlers(
  validate("param", IdPath),
  validate("query", RestoreQuery),
  async (c) => {
    const { partial = false } = c.req.valid("query");
    // A concurrent request may delete the doctor of an assignment.
    const restored = sendAgainOnViolation("mappings_doctor_fkey", () =>
      restorePatient(c.get("caller"), { ...c.req.valid("param"), partial }),
    );
    const { canRestore, body, isEmailTaken, takenSystem, missingDoctors, ...state } = await rejectDuplicates(
      restored,
      ownerHasEmail,
      ownerHasIdentifier,
    );
    requireNotMerged(state);
    requireClinicRole(canRestore !== false);
    if (isEmailTaken) throw ownerHasEmail();
    if (takenSystem !== null) throw ownerHasIdentifier(takenSystem);
    if (body === null && missingDoctors.length > 0) throw missingDoctorsProblem(missingDoctors);
    return respondJson(requireFound(body, "deleted patient"));
  },
);

const ownerHasEmail = () => new Problem("email_taken", "Another patient of the same owner has this email.");
const ownerHasIdentifier = (system?: string) =>
  new Problem(
    "identifier_taken",
    `Another patient of the same owner has an identifier of this one${ofSystem(system)}.`,
    { system },
  );
const missingDoctorsProblem = (ids: number[]) =>
  new Problem(
    "doctor_deleted",
    `Doctor ${ids.join(", ")} of this patient's assignments was deleted; ?partial=true restores the patient without these assignments.`,
  );

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

const ADMIN_ONLY = "Only an admin may use emergency access.";
const ADMIN_OR_CLINICIAN =
  "Only an admin, or a clinician who works in a shared clinic, may use emergency access.";

/** `POST /:id/access`: gives the caller emergency access (break-glass) to a patient. */
export const grantEmergencyAccessHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", EmergencyAccessReason),
  async (c) => {
    const allows_members = c.get("config").EMERGENCY_ACCESS === "members";
    const values = { ...c.req.valid("param"), ...c.req.valid("json"), allows_members };
    const grant = () => grantEmergencyAccess(c.get("caller"), values);
    const { isAllowed, body, ...state } = await grant().catch((error: unknown) => {
      // The patient was erased while the statement waited for the caller's lock: a new snapshot does not have it.
      if (!isViolationOf(error, "emergency_accesses_patient_id_fkey")) throw error;
      return grant();
    });
    if (!isAllowed) throw new Problem("admin_required", allows_members ? ADMIN_OR_CLINICIAN : ADMIN_ONLY);
    requireNotMerged(state);
    return respondJson(requireFound(body, "patient"), 201);
  },
);
