import { roles } from "../db/schema.ts";
import { bodyOfChange, flag, reference, text } from "../http/fields.ts";
import { listQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

/** What an admin sets of an account. */
export const fields = {
  role: z.enum(roles),
  active: z.boolean(),
  /** The doctor whose own account it is. */
  doctor: z.nullable(reference),
};

export const AccountsQuery = listQuery({ role: fields.role, active: flag, search: text(254) }, ["id"]);

export const AccountChanges = bodyOfChange(fields, ["id", "username", "email", "created_at"]);
