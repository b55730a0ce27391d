import { selectColumns } from "../db/query/json.ts";
import type { ListedAssignment } from "./responses.ts";

const patientFields: (keyof ListedAssignment["patient"])[] = [
  "id",
  "firstname",
  "lastname",
  "age",
  "gender",
  "created_by",
];
const doctorFields: (keyof ListedAssignment["doctor"])[] = [
  "id",
  "firstname",
  "lastname",
  "specialization",
  "max_appointments_per_day",
  "gender",
  "active",
];

/** The columns of the patient `p` and of the doctor `d` that an assignment shows. */
export const patientSummary = selectColumns("p", patientFields);
export const doctorSummary = selectColumns("d", doctorFields);
