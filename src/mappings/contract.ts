import type * as z from "zod";
import { body, reference } from "../http/fields.ts";

export const NewAssignment = body({ patient: reference, doctor: reference }, ["id", "assigned_at"]);
export type NewAssignment = z.infer<typeof NewAssignment>;
