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
    ["age", [0, 1, 119, 120], [-1, 151, 1.5, 2 ** 31, 1e300, Infinity, "30", "", null, true, [30], {}]],
    [
      "birth_date",
      ["1990-05-17", "2000-02-29", "2023-02-28", "1990-12-31", "1990-05", "1990", "0001", null],
      [
        ...[
          "1990-02-30",
          "1900-02-29",
          "1990-2-3",
          "1990-13",
          "1990-00",
          "1990-05-00",
          "1990-05-32",
          "1990-04-31",
        ],
        ...[
          "90",
          "0000",
          "0000-01-01",
          "19905",
          "1990-",
          "1990-05-17T00:00:00Z",
          " 1990",
          "-1990",
          "17.05.1990",
          "",
        ],
        ...["１９９０", 1990, true, ["1990"], {}],
      ],
    ],
    ["gender", ["M", "F", "O", "U"], ["", "X", "m", " M", "MF", "male", null, 1, ["M"]]],
    ["first_name", [], ["Ada"]],
  ])("accepts and refuses the right values of %s", (field, accepted, refused) => {
    expect(valuesRefusedBy(schema, valid, field, [...accepted, ...refused])).toEqual(refused);
  });

  test("drops read-only fields, and names every other invalid field at once", () => {
    const readOnly = { id: 1, created_by: 1, created_at: "then", updated_at: "now", version: "9" };
    expect(schema.parse({ ...valid, ...readOnly })).toEqual(valid);
    const sent = {
      firstname: "a\0",
      lastname: 1,
      email: "x",
      age: 151,
      gender: "X",
      birth_date: "X",
      ward: 3,
    };
    expect(fieldsRefusedBy(schema, { ...sent, ...readOnly })).toEqual(Object.keys(sent));
  });
});

test("a new patient needs a gender, an age or a birth date, a name and a contact", () => {
  const { age, ...others } = newPatient();
  const all = ["age", "gender", "firstname", "lastname", "email"];
  expect(fieldsRefusedBy(NewPatient, {}).sort()).toEqual(all.sort());
  for (const birth of [{}, { age: null }, { birth_date: null }, { age: null, birth_date: null }])
    expect(fieldsRefusedBy(NewPatient, { ...others, ...birth })).toEqual(["age"]);
  for (const birth of [{ age }, { birth_date: "1990" }, { age: null, birth_date: "1990" }])
    expect(fieldsRefusedBy(NewPatient, { ...others, ...birth })).toEqual([]);
  const rest = { age, gender: "F" };
  const noContact = { email: null, phones: [], anonymous: false, address: { city: "Leeds" } };
  expect(fieldsRefusedBy(NewPatient, { ...rest, lastname: "King", ...noContact })).toEqual(["email"]);
  for (const contact of [{ email: "a@b.org" }, { phones: ["+442079460958"] }, { anonymous: true }])
    for (const name of [{ firstname: "Ada" }, { firstname: null, lastname: "King" }, { lastname: " King" }])
      expect(fieldsRefusedBy(NewPatient, { ...rest, ...name, ...contact })).toEqual([]);
});
