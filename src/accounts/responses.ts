import { reference } from "../http/fields.ts";
import { moment } from "../http/responses.ts";
import * as z from "../zod.ts";
import { fields } from "./requests.ts";

/** An account as admins see it. */
export const AccountDetails = z.strictObject({
  id: reference,
  username: z.string(),
  email: z.string(),
  ...fields,
  created_at: moment,
});
export type AccountDetails = z.infer<typeof AccountDetails>;
