import { idSchema } from "../http/fields.ts";
import {
  changesSchema,
  eventBase,
  eventDetails,
  FieldErrorCode,
  resourceSchema,
  timestampSchema,
} from "../http/responses.ts";
import * as z from "../zod.ts";
import { patientFields } from "./requests.ts";

export const Patient = resourceSchema(patientFields);
export type Patient = z.infer<typeof Patient>;

/** A change of a patient. */
export const PatientChange = z.strictObject({
  ...eventBase,
  account: z.nullable(z.strictObject({ id: idSchema, username: z.string() })),
  action: z.string(),
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
export const RestoredPatient = z.strictObject({ id: idSchema, doctors: z.array(idSchema) });
export type RestoredPatient = z.infer<typeof RestoredPatient>;

export const TransferredPatient = z.strictObject({ id: idSchema, owner: idSchema });
export type TransferredPatient = z.infer<typeof TransferredPatient>;

export const TransferSummary = z.strictObject({
  /** How many patients were transferred. */
  transferred: z.int(),
  /** The patients that stay, because the receiving account has one with the same email. */
  conflicts: z.array(idSchema),
  /** Whether more patients can be transferred by sending the same request again. */
  more: z.boolean(),
});
export type TransferSummary = z.infer<typeof TransferSummary>;

export const EmergencyAccess = z.strictObject({
  patient: idSchema,
  reason: z.string(),
  expires_at: timestampSchema,
});
export type EmergencyAccess = z.infer<typeof EmergencyAccess>;

/** The result of an import, by the line numbers of the file, counted from 1. */
export const ImportResult = z.strictObject({
  created: z.array(z.strictObject({ line: idSchema, id: idSchema })),
  refused: z.array(
    z.strictObject({
      line: idSchema,
      errors: z.record(z.string(), z.array(z.string())),
      error_codes: z.record(z.string(), z.array(FieldErrorCode)),
    }),
  ),
});
export type ImportResult = z.infer<typeof ImportResult>;
