import { describe, expect, test } from "vitest";
import { NewPatient, PatientChanges } from "../../src/patients/requests.ts";
import { fieldsRefusedBy, valuesRefusedBy } from "../support/field-rules.ts";
import { newPatient } from "../support/resources.ts";
import { emailOfLength, nameValues } from "../support/text.ts";

describe.each([
  { what: "a new patient", schema: NewPatient, valid: newPatient({ phones: ["+442079460958"] }) },
  { what: "changes of a patient", schema: PatientChanges, valid: {} },
])("$what", ({ schema, valid }) => {
  test.each<[field: string, accepted: unknown[], refused: unknown[]]>([
    ["firstname", ...nameValues],
    ["lastname", ...nameValues],
    ["email", [emailOfLength(128), null], [emailOfLength(129), "ada.example.org", ""]],
    ["email_shared", [true, false], [null, "true", 1]],
    ["anonymous", [true, false], [null, "true", 1]],
    ["age", [0, 1, 119, 120], [-1, 121, 1.5, 2 ** 31, 1e300, Infinity, "30", "", null, true, [30], {}]],
    ["gender", ["M", "F", "O", "U"], ["", "X", "m", " M", "MF", "male", null, 1, ["M"]]],
    ["first_name", [], ["Ada"]],
  ])("accepts and refuses the right values of %s", (field, accepted, refused) => {
    expect(valuesRefusedBy(schema, valid, field, [...accepted, ...refused])).toEqual(refused);
  });

  test("drops read-only fields, and names every other invalid field at once", () => {
    const readOnly = { id: 1, created_by: 1, created_at: "then", updated_at: "now", version: "9" };
    expect(schema.parse({ ...valid, ...readOnly })).toEqual(valid);
    const sent = { firstname: "a\0", lastname: 1, email: "x", age: 121, gender: "X", ward: 3 };
    expect(fieldsRefusedBy(schema, { ...sent, ...readOnly })).toEqual(Object.keys(sent));
  });
});

test("a new patient needs an age, a gender, a name and a contact", () => {
  expect(fieldsRefusedBy(NewPatient, {})).toEqual(["age", "gender"]);
  const rest = { age: 36, gender: "F" };
  const contacts = ["email", "phones", "anonymous"];
  expect(fieldsRefusedBy(NewPatient, rest)).toEqual(["firstname", "lastname", ...contacts]);
  const noContact = { email: null, phones: [], anonymous: false, address: { city: "Leeds" } };
  expect(fieldsRefusedBy(NewPatient, { ...rest, lastname: "King", ...noContact })).toEqual(contacts);
  for (const contact of [{ email: "a@b.org" }, { phones: ["+442079460958"] }, { anonymous: true }])
    for (const name of [{ firstname: "Ada" }, { firstname: null, lastname: "King" }, { lastname: " King" }])
      expect(fieldsRefusedBy(NewPatient, { ...rest, ...name, ...contact })).toEqual([]);
});
