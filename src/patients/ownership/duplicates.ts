import { isViolationOf } from "../../db/errors.ts";
import type { Problem } from "../../http/problems.ts";

/**
 * Awaits a statement. A conflict that its snapshot does not show violates a unique index.
 *
 * @throws `ofEmail` or `ofIdentifier` when it would give a clinic two patients with the same email or identifier.
 */
export async function rejectDuplicates<Row>(
  statement: Promise<Row>,
  ofEmail: () => Problem,
  ofIdentifier: () => Problem,
): Promise<Row> {
  try {
    return await statement;
  } catch (error) {
    if (isViolationOf(error, "patients_owner_id_email_key")) throw ofEmail();
    if (isViolationOf(error, "patient_identifiers_owner_id_key_system_key")) throw ofIdentifier();
    throw error;
  }
}

export const ofSystem = (system: string | undefined) =>
  system === undefined ? "" : `, of the system ${system}`;
