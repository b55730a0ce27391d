import { idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";
import { accountSettings } from "./requests.ts";

/** An account, for admins. */
export const AccountDetails = z.strictObject({
  id: idSchema,
  username: z.string(),
  ...accountSettings,
  created_at: timestampSchema,
});
export type AccountDetails = z.infer<typeof AccountDetails>;
