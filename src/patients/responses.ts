import { reference } from "../http/fields.ts";
import { changes, circumstances, event, moment, recordOf } from "../http/responses.ts";
import * as z from "../zod.ts";
import { fields } from "./requests.ts";

export const Patient = recordOf(fields);
export type Patient = z.infer<typeof Patient>;

/** What has changed a patient. */
export const Change = z.strictObject({
  ...event,
  account: z.nullable(z.strictObject({ id: reference, username: z.string() })),
  action: z.string(),
  changes,
});
export type Change = z.infer<typeof Change>;

/** Who has looked at a patient, or changed it, or tried to. */
export const Access = z.strictObject({ ...event, ...circumstances });
export type Access = z.infer<typeof Access>;

/** A patient that is there again, with the doctors of its assignments. */
export const Restored = z.strictObject({ id: reference, doctors: z.array(reference) });
export type Restored = z.infer<typeof Restored>;

export const HandedOver = z.strictObject({ id: reference, owner: reference });
export type HandedOver = z.infer<typeof HandedOver>;

export const HandedOverAll = z.strictObject({
  /** How many. */
  transferred: z.int(),
  /** Those that stay, for the receiver has a patient with their email. */
  conflicts: z.array(reference),
  /** Whether there are more, for the same request again. */
  more: z.boolean(),
});
export type HandedOverAll = z.infer<typeof HandedOverAll>;

export const EmergencyAccess = z.strictObject({ patient: reference, reason: z.string(), expires_at: moment });
export type EmergencyAccess = z.infer<typeof EmergencyAccess>;

/** What came of an import, by the lines of the file, counted from 1. */
export const Imported = z.strictObject({
  created: z.array(z.strictObject({ line: reference, id: reference })),
  refused: z.array(z.strictObject({ line: reference, errors: z.record(z.string(), z.array(z.string())) })),
});
export type Imported = z.infer<typeof Imported>;
