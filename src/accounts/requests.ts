import { roles } from "../db/schema.ts";
import { booleanParam, idSchema, patchBody, textField } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

/** The fields of an account that an admin changes. */
export const accountSettings = {
  role: z.enum(roles),
  active: z.boolean(),
  /** The id of the doctor whose own account it is. */
  doctor: z.nullable(idSchema),
};

export const AccountsQuery = defineListQuery(
  { role: accountSettings.role, active: booleanParam, search: textField(254) },
  ["id"],
);

export const AccountChanges = patchBody(accountSettings, ["id", "username", "email", "created_at"]);
