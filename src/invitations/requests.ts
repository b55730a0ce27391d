import { roles } from "../db/schema.ts";
import { body, email } from "../http/fields.ts";
import { listQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

export const InvitationsQuery = listQuery({}, ["id"]);

/** Whom an admin asks to register. */
export const NewInvitation = body({ email: email(254), role: z.enum(roles) });
