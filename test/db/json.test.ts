import { expect, test } from "vitest";
import { jsonText } from "../../src/db/query/json.ts";
import { invitations, sessions } from "../../src/db/schema.ts";

test("the JSON of a record has no code and no timestamp that may be NULL: with one the whole object would be NULL", () => {
  expect(() => jsonText(invitations, "i", ["clinic_role"])).toThrow("i.clinic_role may be NULL");
  expect(() => jsonText(sessions, "s", ["ended_at"])).toThrow("s.ended_at may be NULL");
  expect(() => jsonText(sessions, "s", ["created_at"])).not.toThrow();
});
