// All tables. Column names are the same in TypeScript, PostgreSQL and JSON. drizzle/*.sql creates what Drizzle cannot
// express: triggers, functions and the partitions of the audit log. After a change, generate a migration with
// `npm run db:generate`; .ci/run checks that none is missing.

export * from "./schema/accounts.ts";
export * from "./schema/appointments.ts";
export * from "./schema/assignments.ts";
export * from "./schema/audit.ts";
export * from "./schema/calendar-feeds.ts";
export * from "./schema/clinics.ts";
export * from "./schema/codes.ts";
export * from "./schema/doctors.ts";
export * from "./schema/ended-assignments.ts";
export * from "./schema/idempotency-keys.ts";
export * from "./schema/identifiers.ts";
export * from "./schema/limits.ts";
export * from "./schema/patient-merges.ts";
export * from "./schema/patients.ts";
export * from "./schema/record-changes.ts";
export * from "./schema/schedules.ts";
export * from "./schema/sessions.ts";
