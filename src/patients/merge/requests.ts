import { requestBody } from "../../http/body-schemas.ts";
import { idSchema } from "../../http/fields.ts";
import { IdempotencyKey } from "../../http/idempotency.ts";
import { expectedVersion, WritePreconditions } from "../../http/preconditions.ts";
import * as z from "../../zod.ts";
import { patientColumns, patientFields } from "../requests.ts";

/** The fields that a merge can take from the merged patient. */
const mergeFields = Object.keys(patientFields).filter((name) => name !== "email_shared");

/** What a field has to be taken together with: an email is shared or not, and a patient has a birth date or an age. */
const fieldsTakenWith: Record<string, string[]> = {
  email: ["email_shared"],
  birth_date: ["age", "age_as_of"],
  age: ["birth_date", "age_as_of"],
};

/** The columns that a merge takes. */
export const columnsTaken = (take: string[]): string[] =>
  take
    .flatMap((field) => [field, ...(fieldsTakenWith[field] ?? [])])
    .filter((name) => patientColumns.includes(name));

/** The headers of a merge. */
export const MergeHeaders = z.object({ ...WritePreconditions.shape, ...IdempotencyKey.shape });

/** The patient that another one is merged into, and what that one takes from it. */
export const PatientMerge = requestBody({
  into: idSchema,
  take: z.optional(z.array(z.enum(mergeFields)).check(z.maxLength(mergeFields.length))),
  if_match: z.optional(expectedVersion),
});
