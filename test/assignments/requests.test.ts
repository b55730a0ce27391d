import { expect, test } from "vitest";
import { AssignmentChanges, NewAssignment } from "../../src/assignments/requests.ts";
import { fieldsRefusedBy } from "../support/field-rules.ts";

const readOnly = { id: "x", assigned_at: {}, ended_at: 1, ended_by: "x", version: null };

test("an assignment is two ids, with a role and whether it is primary; read-only fields are dropped and other fields refused", () => {
  const ids = { patient: 1, doctor: 2_147_483_647 };
  expect(NewAssignment.parse({ ...ids, ...readOnly })).toEqual({ ...ids, role: "attending", primary: false });
  const whole = { ...ids, role: "consulting", primary: true };
  expect(NewAssignment.parse(whole)).toEqual(whole);
  expect(fieldsRefusedBy(NewAssignment, {})).toEqual(["patient", "doctor"]);
  const sent = { patient: "1", doctor: 2 ** 31, role: "Attending", primary: "true", nurse: 1, owner_id: 1 };
  expect(fieldsRefusedBy(NewAssignment, sent)).toEqual(Object.keys(sent));
});

test("a change of an assignment has its role, whether it is primary, or neither; the other fields are dropped when they are sent back", () => {
  for (const changes of [{}, { role: "covering" }, { primary: false }])
    expect(AssignmentChanges.parse({ ...changes, ...readOnly, patient: "x", doctor: null })).toEqual(changes);
  const sent = { role: null, primary: 1, nurse: 1 };
  expect(fieldsRefusedBy(AssignmentChanges, sent)).toEqual(Object.keys(sent));
});
