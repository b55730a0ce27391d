import { clinicRoles, roles } from "../db/schema.ts";
import { hasFields, requestBody } from "../http/body-schemas.ts";
import { emailField, idSchema, rule } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

export const InvitationsQuery = defineListQuery({}, ["id"]);

/** 160 random bits, which nobody can guess. */
export const INVITATION_CODE_BYTES = 20;

/** How many days an invitation is valid. */
export const INVITATION_DAYS = 7;

interface InvitedMember {
  role?: unknown;
  clinic?: unknown;
  clinic_role?: unknown;
}

const isId = (value: unknown): boolean => idSchema.safeParse(value).success;

/** An invitation to register, and to become a member of a shared clinic. */
export const NewInvitation = requestBody(
  {
    email: emailField(254),
    role: z.enum(roles),
    clinic: z.optional(idSchema),
    clinic_role: z.optional(z.enum(clinicRoles)),
  },
  [],
  [
    rule<InvitedMember>(
      ({ clinic, clinic_role }) => !isId(clinic) || clinic_role !== undefined,
      "required",
      "Required when clinic is sent",
      "clinic_role",
    ),
    rule<InvitedMember>(
      ({ clinic, clinic_role }) => clinic !== undefined || clinic_role === undefined,
      "required",
      "Required when clinic_role is sent",
      "clinic",
    ),
    rule<InvitedMember>(
      ({ role, clinic }) => role !== "auditor" || !isId(clinic),
      "invalid_value",
      "Must be left out: an auditor works in no clinic",
      "clinic",
    ),
    z.meta({
      not: {
        anyOf: [
          { ...hasFields("clinic"), not: hasFields("clinic_role") },
          { ...hasFields("clinic_role"), not: hasFields("clinic") },
          { properties: { role: { const: "auditor" }, clinic: {} }, required: ["role", "clinic"] },
        ],
      },
    }),
  ],
);
