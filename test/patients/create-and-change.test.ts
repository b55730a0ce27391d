import { testCreateAndChange } from "../support/create-and-change.ts";
import { newPatient } from "../support/resources.ts";

await testCreateAndChange({
  table: "patients",
  newRecord: newPatient,
  otherValues: newPatient({ firstname: "Alan", lastname: "Turing", age: 0, gender: "M" }),
  fieldsAfterEmail: ["age", "gender"],
  duplicateEmail: "You already have a patient with this email.",
});
