import { roles } from "../db/schema.ts";
import { patchBody } from "../http/body-schemas.ts";
import { booleanParam, emailField, idSchema, reasonField, rule, textField } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

/** The fields of an account that an admin changes. */
export const accountSettings = {
  email: emailField(254),
  role: z.enum(roles),
  active: z.boolean(),
  /** The id of the doctor whose own account it is. */
  doctor: z.nullable(idSchema),
};

export const AccountsQuery = defineListQuery(
  { role: accountSettings.role, active: booleanParam, search: textField(254) },
  ["id"],
);

/**
 * A change of an account. The `reason` is not a field of the account: it goes into the audit log. The `username` may only
 * be sent back as it is.
 */
export const AccountChanges = patchBody(
  { ...accountSettings, username: textField(150), reason: reasonField },
  ["id", "created_at"],
).check(
  rule(
    ({ doctor, reason }) => !idSchema.safeParse(doctor).success || reason !== undefined,
    "required",
    "Required when doctor is set",
    "reason",
  ),
  z.meta({
    if: { properties: { doctor: { type: "integer" } }, required: ["doctor"] },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { properties: { reason: { type: "string" } }, required: ["reason"] },
  }),
);
