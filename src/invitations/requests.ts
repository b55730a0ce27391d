import { roles } from "../db/schema.ts";
import { requestBody } from "../http/body-schemas.ts";
import { emailField } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

export const InvitationsQuery = defineListQuery({}, ["id"]);

/** 160 random bits, which nobody can guess. */
export const INVITATION_CODE_BYTES = 20;

/** How many days an invitation is valid. */
export const INVITATION_DAYS = 7;

/** An invitation to register. */
export const NewInvitation = requestBody({ email: emailField(254), role: z.enum(roles) });
