import { testCreateAndChange } from "../support/create-and-change.ts";
import { newDoctor } from "../support/resources.ts";

await testCreateAndChange({
  table: "doctors",
  newRecord: (fields = {}) => newDoctor({ max_appointments_per_day: 7, ...fields }),
  otherValues: newDoctor({
    firstname: "Lisa",
    gender: "F",
    specialization: "GEN",
    max_appointments_per_day: 0,
  }),
  etag: (version) => `"${version}"`,
  fieldsAfterEmail: ["gender", "specialization", "max_appointments_per_day", "active"],
  duplicateEmail: "A doctor with this email already exists.",
});
