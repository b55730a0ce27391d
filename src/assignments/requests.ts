import { assignmentRoles } from "../db/schema.ts";
import { patchBody, requestBody } from "../http/body-schemas.ts";
import { booleanParam, idParam, idSchema } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

/** Sorting by `created_at` sorts by `assigned_at`. `ended`: those that have ended instead of the current ones. */
export const AssignmentsQuery = defineListQuery({ patient: idParam, doctor: idParam, ended: booleanParam }, [
  "id",
  "created_at",
]);

const assignmentFields = { role: z.enum(assignmentRoles), primary: z.boolean() };
const readOnly = ["id", "assigned_at", "ended_at", "ended_by", "version"];

export const NewAssignment = requestBody(
  {
    patient: idSchema,
    doctor: idSchema,
    role: z._default(assignmentFields.role, "attending"),
    primary: z._default(assignmentFields.primary, false),
  },
  readOnly,
);
export type NewAssignment = z.infer<typeof NewAssignment>;

export const AssignmentChanges = patchBody(assignmentFields, [...readOnly, "patient", "doctor"]);
