import { describe, expect, test } from "vitest";
import { DoctorChanges, NewDoctor } from "../../src/doctors/requests.ts";
import { fieldsRefusedBy, valuesRefusedBy } from "../support/field-rules.ts";
import { newDoctor } from "../support/resources.ts";
import { emailOfLength, nameValues } from "../support/text.ts";

const specializations = ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"];
const notAppointments = [-1, 1001, 9.5, 2 ** 31, Infinity, "10", null, true, [10]];

describe.each([
  { what: "a new doctor", schema: NewDoctor, valid: newDoctor({ max_appointments_per_day: 12 }) },
  { what: "changes of a doctor", schema: DoctorChanges, valid: {} },
])("$what", ({ schema, valid }) => {
  test.each<[field: string, accepted: unknown[], refused: unknown[]]>([
    ["firstname", ...nameValues],
    ["lastname", ...nameValues],
    ["email", [emailOfLength(128), null], [emailOfLength(129), "house.example.org", ""]],
    ["phones", [[], ["+442079460958"]], [null, "+442079460958"]],
    ["gender", ["M", "F", "O", "U"], ["", "X", "f", "F ", null, 1]],
    ["specialization", specializations, ["", "SURG", "card", "CARD ", null, 1, ["CARD"]]],
    ["max_appointments_per_day", [0, 1, 999, 1000], notAppointments],
    ["age", [], [59]],
  ])("accepts and refuses the right values of %s", (field, accepted, refused) => {
    expect(valuesRefusedBy(schema, valid, field, [...accepted, ...refused])).toEqual(refused);
  });

  test("drops read-only fields, and names every other invalid field at once", () => {
    const readOnly = { id: 1, created_by: 1, created_at: "then", updated_at: "now", version: "9" };
    expect(schema.parse({ ...valid, ...readOnly })).toEqual(valid);
    const person = { firstname: "a\0", lastname: 1, email: "x", gender: "X" };
    const sent = { ...person, specialization: "X", max_appointments_per_day: -1, ward: 3 };
    expect(fieldsRefusedBy(schema, { ...sent, ...readOnly })).toEqual(Object.keys(sent));
  });
});

test("a new doctor needs a gender, a specialization and a name", () => {
  expect(fieldsRefusedBy(NewDoctor, {})).toEqual(["gender", "specialization", "firstname", "lastname"]);
  const rest = { gender: "M", specialization: "GEN" };
  expect(fieldsRefusedBy(NewDoctor, { ...rest, lastname: "" })).toEqual(["firstname", "lastname"]);
  expect(fieldsRefusedBy(NewDoctor, { ...rest, lastname: "House" })).toEqual([]);
});
