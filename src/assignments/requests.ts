import { requestBody } from "../http/body-schemas.ts";
import { idParam, idSchema } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";

/** Sorting by `created_at` sorts by `assigned_at`. */
export const AssignmentsQuery = defineListQuery({ patient: idParam, doctor: idParam }, ["id", "created_at"]);

export const NewAssignment = requestBody({ patient: idSchema, doctor: idSchema }, ["id", "assigned_at"]);
