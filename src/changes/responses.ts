import { recordKinds } from "../db/schema.ts";
import { idSchema } from "../http/fields.ts";
import { boundedArray, versionSchema } from "../http/responses.ts";
import * as z from "../zod.ts";
import { MAX_CHANGES } from "./requests.ts";

/** A record that was created or changed, came to the caller or left it. */
export const RecordChange = z.strictObject({
  kind: z.enum(recordKinds),
  id: idSchema,
  version: versionSchema,
  deleted: z.optional(z.literal(true)),
  merged_into: z.optional(idSchema),
});
export type RecordChange = z.infer<typeof RecordChange>;

export const ChangePage = z.strictObject({
  changes: boundedArray(RecordChange, MAX_CHANGES),
  cursor: z.string().check(z.minLength(1)),
});
export type ChangePage = z.infer<typeof ChangePage>;
