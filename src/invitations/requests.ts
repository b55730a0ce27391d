import { roles } from "../db/schema.ts";
import { emailField, requestBody } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

export const InvitationsQuery = defineListQuery({}, ["id"]);

/** An invitation to register. */
export const NewInvitation = requestBody({ email: emailField(254), role: z.enum(roles) });
