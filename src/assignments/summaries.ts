import { ageToday } from "../db/query/age.ts";
import { jsonText } from "../db/query/json.ts";
import { doctors, patients } from "../db/schema.ts";
import type { ListedAssignment } from "./responses.ts";

const patientFields: (keyof ListedAssignment["patient"])[] = [
  "id",
  "firstname",
  "lastname",
  "age",
  "gender",
  "created_by",
];
const doctorFields: (keyof NonNullable<ListedAssignment["doctor"]>)[] = [
  "id",
  "firstname",
  "lastname",
  "specialization",
  "max_appointments_per_day",
  "gender",
  "active",
];

/** The patient `p` and the doctor `d` of an assignment as JSON texts. */
export const patientSummary = jsonText(patients, "p", patientFields, {
  computed: { age: ageToday("p") },
});
export const doctorSummary = jsonText(doctors, "d", doctorFields);
