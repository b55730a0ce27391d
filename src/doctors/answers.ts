import { moment } from "../http/answers.ts";
import { reference, text } from "../http/fields.ts";
import * as z from "../zod.ts";
import { fields } from "./contract.ts";

export const Doctor = z.strictObject({
  id: reference,
  ...fields,
  // Those of before there was a rule for names, too.
  firstname: text(64),
  lastname: text(64),
  created_by: reference,
  created_at: moment,
  updated_at: moment,
});
export type Doctor = z.infer<typeof Doctor>;
