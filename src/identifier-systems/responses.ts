import { idSchema, MAX_ID } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";
import { identifierSystemFields } from "./requests.ts";

export const IdentifierSystem = z.strictObject({
  id: idSchema,
  ...identifierSystemFields,
  created_by: idSchema,
  created_at: timestampSchema,
  updated_at: timestampSchema,
  version: z.int().check(z.positive(), z.maximum(MAX_ID)),
});
export type IdentifierSystem = z.infer<typeof IdentifierSystem>;
