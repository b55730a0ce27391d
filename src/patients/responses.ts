import { auditActions } from "../db/query/audit-actions.ts";
import { addressInResponse } from "../http/contact-fields.ts";
import { idSchema } from "../http/fields.ts";
import {
  boundedArray,
  changesSchema,
  eventBase,
  eventDetails,
  fieldErrorCodesSchema,
  fieldErrorsSchema,
  MANY,
  personInResponse,
  resourceSchema,
  timestampSchema,
} from "../http/responses.ts";
import * as z from "../zod.ts";
import { identifiersInResponse } from "./identifier-fields.ts";
import { MAX_TRANSFERRED } from "./ownership/requests.ts";
import { MAX_ANSWERED_AGE, patientFields } from "./requests.ts";

export const Patient = z.extend(resourceSchema({ ...patientFields, ...personInResponse }), {
  /** The lowest possible age today. */
  age: z.int().check(z.minimum(0), z.maximum(MAX_ANSWERED_AGE)),
  age_as_of: z.nullable(z.iso.date().check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" }))),
  address: addressInResponse,
  identifiers: identifiersInResponse,
});
export type Patient = z.infer<typeof Patient>;

/** Why a patient may be the same person as another one. */
const duplicateReasons = ["name", "exchanged_name", "first_name", "birth", "phone", "email"] as const;

/** A patient that looks like another one. */
export const PossibleDuplicate = z.strictObject({
  patient: Patient,
  why: boundedArray(z.enum(duplicateReasons), duplicateReasons.length),
});
export type PossibleDuplicate = z.infer<typeof PossibleDuplicate>;

/** A change of a patient. */
export const PatientChange = z.strictObject({
  ...eventBase,
  account: z.nullable(z.strictObject({ id: idSchema, username: z.string() })),
  action: z.enum(auditActions),
  changes: changesSchema,
});
export type PatientChange = z.infer<typeof PatientChange>;

/** An access to a patient, or an attempt. */
export const PatientAccess = z.strictObject({
  ...eventBase,
  ...eventDetails,
  subject: z.optional(idSchema),
});
export type PatientAccess = z.infer<typeof PatientAccess>;

/** A restored patient, with the doctors of its assignments. */
export const RestoredPatient = z.strictObject({ id: idSchema, doctors: boundedArray(idSchema, MANY) });
export type RestoredPatient = z.infer<typeof RestoredPatient>;

export const TransferredPatient = z.strictObject({ id: idSchema, owner: idSchema });
export type TransferredPatient = z.infer<typeof TransferredPatient>;

export const TransferSummary = z.strictObject({
  /** How many patients were transferred. */
  transferred: z.int().check(z.minimum(0), z.maximum(MAX_TRANSFERRED)),
  /** The patients that stay, because the receiving clinic has one with the same email. */
  conflicts: boundedArray(idSchema, MAX_TRANSFERRED),
  /** Whether more patients can be transferred by sending the same request again. */
  more: z.boolean(),
  /** Of the patients that the request lists: those that are not there for the caller. */
  not_found: z.optional(boundedArray(idSchema, MAX_TRANSFERRED)),
});
export type TransferSummary = z.infer<typeof TransferSummary>;

const count = z.int().check(z.minimum(0), z.maximum(MANY));
/** What stays in the database, or outside, after a patient was erased. */
const remainders = ["audit_events", "reasons", "idempotency_keys", "record_changes", "copies"] as const;

export const ErasedPatient = z.strictObject({
  id: idSchema,
  /** How many rows were removed, or lost the patient's values. The function `erase_patient` counts them. */
  removed: z.strictObject({
    patients: count,
    assignments: count,
    appointments: count,
    identifiers: count,
    merges: count,
    emergency_accesses: count,
    stored_responses: count,
    audit_changes: count,
  }),
  remained: boundedArray(z.strictObject({ what: z.enum(remainders), why: z.string() }), remainders.length),
  /** Whether the audit log has more values. The patient is removed with the last of them. */
  more: z.boolean(),
});
export type ErasedPatient = z.infer<typeof ErasedPatient>;

/** What an undone merge gave back, and what it could not. */
const unmergeReasons = ["changed", "in_use", "ended", "doctor_deleted"] as const;
const unmergeFields = [...Object.keys(patientFields), "assignments"];
export const UnmergedPatient = z.strictObject({
  restored: boundedArray(z.enum(unmergeFields), unmergeFields.length),
  kept: boundedArray(
    z.strictObject({ field: z.enum(unmergeFields), why: z.enum(unmergeReasons) }),
    unmergeFields.length * unmergeReasons.length,
  ),
});
export type UnmergedPatient = z.infer<typeof UnmergedPatient>;

export const EmergencyAccess = z.strictObject({
  patient: idSchema,
  reason: z.string(),
  expires_at: timestampSchema,
});
export type EmergencyAccess = z.infer<typeof EmergencyAccess>;

/** The records that one file can have. */
const MAX_RECORDS = 1000;

/** The result of an import, by the line numbers of the file, counted from 1. */
export const ImportResult = z.strictObject({
  created: boundedArray(z.strictObject({ line: idSchema, id: idSchema }), MAX_RECORDS),
  refused: boundedArray(
    z.strictObject({ line: idSchema, errors: fieldErrorsSchema, error_codes: fieldErrorCodesSchema }),
    MAX_RECORDS,
  ),
});
export type ImportResult = z.infer<typeof ImportResult>;
