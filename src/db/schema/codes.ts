// The codes that columns have, and that the API accepts.

/** The roles of accounts. An auditor reads the audit log and accounts, and nothing else. */
export const roles = ["clinician", "admin", "auditor"] as const;
/** A personal clinic is that of one account. */
export const clinicKinds = ["personal", "shared"] as const;
/** The roles in a clinic. Each may do what those before it may. */
export const clinicRoles = ["reader", "clerk", "clinician", "manager"] as const;
export const genders = ["M", "F", "O", "U"] as const;
export const specializations = ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"] as const;
/** What a doctor does for a patient: treats it, is asked for advice, or stands in for another doctor. */
export const assignmentRoles = ["attending", "consulting", "covering"] as const;
/**
 * An appointment is open while it is booked or the patient has arrived. Fulfilled and cancelled ones do not change any
 * more.
 */
export const appointmentStatuses = ["booked", "arrived", "fulfilled", "cancelled", "no_show"] as const;
/** The rules by which an appointment is refused (`check_appointment` in drizzle/0035_appointments.sql). */
export const appointmentRules = [
  "no_schedule",
  "outside_hours",
  "absent",
  "day_full",
  "doctor_busy",
  "patient_busy",
] as const;
export type AppointmentRule = (typeof appointmentRules)[number];
/** How the last characters of an identifier are computed from the others (`check_digit_valid` in drizzle/). */
export const checkDigits = ["none", "mod10", "mod11", "mod97"] as const;
/** The audit actions in a patient's history: changes of its fields, its owner or its doctors. */
export const patientChangeActions = [
  ...["create", "import", "update", "delete", "restore"],
  ...["transfer", "assign", "update_assignment", "unassign", "merge", "unmerge"],
] as const;
/**
 * The outcome of an audit event. `refused`: the caller lacks the permission, or the request could not be fulfilled.
 */
export const outcomes = ["done", "not_found", "refused"] as const;
