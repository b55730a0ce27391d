import { body, idInText, reference } from "../http/fields.ts";
import { listQuery } from "../http/list-query.ts";

/** In the order of `created_at`, that is of `assigned_at`, too. */
export const AssignmentsQuery = listQuery({ patient: idInText, doctor: idInText }, ["id", "created_at"]);

export const NewAssignment = body({ patient: reference, doctor: reference }, ["id", "assigned_at"]);
