import { isViolationOf, sendAgainOnViolation } from "../db/errors.ts";
import { notFoundProblem, Problem } from "../http/problems.ts";
import { deleteClinic } from "./queries.ts";
import type { ClinicState } from "./steps.ts";

/** @throws {Problem} 404 when there is no such clinic for the caller */
export function requireClinic({ isFound }: ClinicState): void {
  if (!isFound) throw notFoundProblem("clinic");
}

/** @throws {Problem} 404; 403 for a member who is neither a manager nor an admin */
export function requireManager(state: ClinicState): void {
  requireClinic(state);
  if (!state.canManage)
    throw new Problem("clinic_role_required", "Your role in this clinic does not allow this.");
}

/** @throws {Problem} 409 for a personal clinic */
export function requireShared({ isPersonal }: ClinicState): void {
  if (isPersonal)
    throw new Problem(
      "personal_clinic",
      "A personal clinic has one member and is never deleted. Nothing was changed.",
    );
}

const notEmpty = () =>
  new Problem(
    "clinic_not_empty",
    "The clinic still has patients, perhaps deleted ones. Nothing was changed.",
  );

/** A patient that a concurrent request gave to the clinic. */
const patientKeys = ["patients_owner_id_fkey", "patients_deleted_from_fkey"] as const;

/**
 * Deletes a clinic. It is sent once more when a concurrent request moved a session into the clinic.
 *
 * @throws {Problem} 403, 404, 409
 */
export async function deleteEmptyClinic(...request: Parameters<typeof deleteClinic>): Promise<void> {
  const send = () => sendAgainOnViolation("sessions_membership_fkey", () => deleteClinic(...request));
  const { hasPatients, ...state } = await send().catch((error: unknown) => {
    throw patientKeys.some((key) => isViolationOf(error, key)) ? notEmpty() : error;
  });
  requireManager(state);
  requireShared(state);
  if (hasPatients) throw notEmpty();
}
