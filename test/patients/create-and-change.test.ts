import { expect } from "vitest";
import { testCreateAndChange } from "../support/create-and-change.ts";
import { newPatient } from "../support/resources.ts";

await testCreateAndChange({
  table: "patients",
  newRecord: newPatient,
  answeredFields: { birth_date: null, age_as_of: expect.any(String) },
  otherValues: newPatient({ firstname: "Alan", lastname: "Turing", age: 0, gender: "M" }),
  etag: (version) => `"${version}.36"`,
  fieldsAfterEmail: ["age", "gender", "birth_date", "age_as_of"],
  duplicateEmail: "You already have a patient with this email.",
});
