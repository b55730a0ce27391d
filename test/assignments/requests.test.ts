import { expect, test } from "vitest";
import { NewAssignment } from "../../src/assignments/requests.ts";
import { fieldsRefusedBy } from "../support/field-rules.ts";

test("an assignment is two ids; read-only fields are dropped and other fields refused", () => {
  const valid = { patient: 1, doctor: 2_147_483_647 };
  expect(NewAssignment.parse({ ...valid, id: "x", assigned_at: {} })).toEqual(valid);
  expect(fieldsRefusedBy(NewAssignment, {})).toEqual(["patient", "doctor"]);
  const sent = { patient: "1", doctor: 2 ** 31, nurse: 1, owner_id: 1 };
  expect(fieldsRefusedBy(NewAssignment, sent)).toEqual(Object.keys(sent));
});
