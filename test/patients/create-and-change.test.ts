import { expect } from "vitest";
import { testCreateAndChange } from "../support/create-and-change.ts";
import { newPatient } from "../support/resources.ts";

await testCreateAndChange({
  table: "patients",
  newRecord: newPatient,
  emptyFields: { email_shared: false, anonymous: false, phones: [], address: null, identifiers: [] },
  answeredFields: { birth_date: null, age_as_of: expect.any(String) },
  otherValues: newPatient({
    ...{ firstname: "Alan", lastname: "", age: 0, gender: "M", email_shared: true, anonymous: true },
    phones: ["+442079460958", "+4930123456"],
    address: { lines: ["1 High Street"], city: "Leeds", region: null, postal_code: "LS1 1AA", country: "GB" },
  }),
  etag: (version) => `"${version}.36"`,
  fieldsAfterEmail: [
    ...["age", "gender", "birth_date", "age_as_of"],
    ...["email_shared", "anonymous", "phones", "address", "identifiers"],
  ],
  duplicateEmail: "You already have a patient with this email.",
});
