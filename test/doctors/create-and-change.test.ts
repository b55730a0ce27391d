import { testCreateAndChange } from "../support/create-and-change.ts";
import { newDoctor } from "../support/resources.ts";

await testCreateAndChange({
  table: "doctors",
  newRecord: (fields = {}) => newDoctor({ max_appointments_per_day: 7, ...fields }),
  emptyFields: { email_shared: false, phones: [] },
  otherValues: newDoctor({
    firstname: "",
    gender: "F",
    specialization: "GEN",
    max_appointments_per_day: 0,
    ...{ email_shared: true, phones: ["+442079460958"] },
  }),
  etag: (version) => `"${version}"`,
  fieldsAfterEmail: [
    ...["gender", "specialization", "max_appointments_per_day", "active", "email_shared", "phones"],
  ],
  duplicateEmail: "A doctor with this email already exists.",
});
