import { clinicRoles } from "../db/schema.ts";
import { bodyRule, hasFields, patchBody, requestBody } from "../http/body-schemas.ts";
import { idParam, idSchema, textField } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import { timeZoneField } from "../http/time-fields.ts";
import * as z from "../zod.ts";

export const ClinicsQuery = defineListQuery({}, ["id"]);
export const MembersQuery = defineListQuery({}, ["id"]);

/** The path `/:id/members/:account/` of a membership. */
export const MemberPath = z.object({ id: idParam, account: idParam });

/** The fields that managers and admins change. */
const clinicFields = { name: textField(150), time_zone: timeZoneField, active: z.boolean() };

const readOnly = ["id", "kind", "role", "created_at", "updated_at"];

/** Without a `manager`, the admin who creates it is the manager, until another one is named. */
export const NewClinic = requestBody(
  { name: clinicFields.name, time_zone: z.optional(timeZoneField), manager: z.optional(idSchema) },
  readOnly,
);

export const ClinicChanges = patchBody(clinicFields, readOnly);

const role = z.enum(clinicRoles);

interface NamedAccount {
  account?: unknown;
  username?: unknown;
}

/** The account is named by its id or by its username. */
export const NewMember = requestBody(
  { account: z.optional(idSchema), username: z.optional(textField(150)), role },
  ["created_at"],
  [
    bodyRule<NamedAccount>(
      ({ account, username }) => account !== undefined || username !== undefined,
      "required",
      "Required: account or username",
      "account",
    ),
    bodyRule<NamedAccount>(
      ({ account, username }) => account === undefined || username === undefined,
      "invalid_value",
      "Must be left out when account is sent",
      "username",
    ),
    // The role, and one of the two.
    z.meta({ minProperties: 2, not: hasFields("account", "username") }),
  ],
);

export const MemberChanges = patchBody({ role }, ["account", "username", "created_at"]);
