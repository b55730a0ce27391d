import { type FieldErrors, Problem, requireClinicRole, validationProblem } from "../http/problems.ts";
import type { NotBookable, RefusedFields } from "./steps.ts";

// Why an appointment is not booked or moved.

/** @throws {Problem} 403 when an override was sent by a caller who has no right to it */
export const requireOverride = (overrideReason: string | null, mayOverride: boolean | null): void =>
  requireClinicRole(overrideReason === null || mayOverride !== false);

/** @throws {Problem} 400 that names the fields by which a booking or a move is refused */
export function requireBookableFields(state: RefusedFields & { isPatient?: boolean }): void {
  const errors: FieldErrors = {};
  if (state.isPatient === false)
    errors["patient"] = [{ code: "no_such_record", message: "There is no such patient." }];
  if (!state.isDoctor) errors["doctor"] = [{ code: "no_such_record", message: "There is no such doctor." }];
  else if (!state.isActive)
    errors["doctor"] = [{ code: "retired", message: "This doctor takes no appointments." }];
  else if (!state.isAssigned && state.isPatient !== false)
    errors["doctor"] = [{ code: "not_assigned", message: "This doctor is not assigned to the patient." }];
  if (state.isPast)
    errors["starts_at"] = [{ code: "past", message: "Must not be before the current minute" }];
  if (state.isTooFarAhead)
    errors["starts_at"] = [{ code: "too_far_ahead", message: "Must be at most 366 days ahead" }];
  if (Object.keys(errors).length > 0) throw validationProblem(errors);
}

/** @throws {Problem} 409 with the rules that the appointment would break */
export function requireBookable(notBookable: NotBookable | null): void {
  if (!notBookable) return;
  const { rules, next_free } = notBookable;
  throw new Problem(
    "not_bookable",
    "The doctor cannot be booked for this time: rules says why, and next_free what is free. Nothing was changed.",
    // PostgreSQL sorts the keys of jsonb.
    { rules, next_free: next_free.map(({ starts_at, ends_at }) => ({ starts_at, ends_at })) },
  );
}
