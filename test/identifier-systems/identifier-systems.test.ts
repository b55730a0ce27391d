import { expect, test } from "vitest";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { nextOf } from "../support/pages.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { atOnce, tally } from "../support/races.ts";
import { newSystemName, postIdentifierSystem } from "../support/resources.ts";

const api = connectApi();
const [admin, nurse] = [await newAccount(api, "admin"), await newAccount(api)];
const list = "/api/identifier-systems/";
const pathOf = ({ id }: { id: number }) => `${list}${id}/`;
const takenBy = (existing: { id: number }) => ({
  status: 409,
  body: { code: "identifier_system_taken", existing: existing.id },
});

test("POST with a name alone returns 201 with the defaults, and its Location reads it", async () => {
  const name = newSystemName();
  const { status, body, headers } = await admin.post(list, { name: ` ${name} ` });
  const defaults = { uri: null, pattern: null, check_digit: "none" };
  const readOnly = {
    created_by: admin.id,
    created_at: anyTimestamp,
    updated_at: body.created_at,
    version: 1,
  };
  expect({ status, body }).toEqual({ status: 201, body: { id: body.id, name, ...defaults, ...readOnly } });
  expect(headers.get("Location")).toBe(pathOf(body));
  const read = await nurse.get(pathOf(body));
  expect([read.body, read.headers.get("ETag")]).toEqual([body, '"1"']);
});

test("PATCH changes the fields that are sent, and null removes a URI or a pattern", async () => {
  const system = await postIdentifierSystem(admin, { uri: "urn:oid:1.2.3", pattern: "\\d{3}" });
  for (const [index, changes] of [
    { pattern: "[A-Z]\\d{8,9}" },
    { uri: "https://example.org/ids" },
    { check_digit: "mod10" },
    { uri: null },
    { pattern: null },
    { name: newSystemName() },
  ].entries()) {
    const { body } = await admin.patch(pathOf(system), changes);
    expect(body).toEqual({ ...system, ...changes, updated_at: anyTimestamp, version: index + 2 });
    Object.assign(system, body);
  }
  expect((await admin.patch(pathOf(system), system)).body).toMatchObject({
    ...system,
    updated_at: anyTimestamp,
    version: 8,
  });
});

test("POST and PATCH with the name of another system return 409, and change nothing", async () => {
  const [first, second] = [await postIdentifierSystem(admin), await postIdentifierSystem(admin)];
  expect(await admin.post(list, { name: first.name })).toMatchObject(takenBy(first));
  expect(await admin.patch(pathOf(second), { name: first.name, check_digit: "mod10" })).toMatchObject(
    takenBy(first),
  );
  expect((await nurse.get(pathOf(second))).body).toEqual(second);
});

test("of simultaneous requests with one name, one creates the system, and the others take no id", async () => {
  const name = newSystemName();
  expect(tally(await atOnce(8, () => admin.post(list, { name })))).toEqual({ 201: 1, 409: 7 });
  const next = await postIdentifierSystem(admin);
  const [{ id } = {}] = await asOwner`SELECT id FROM identifier_systems WHERE name = ${name}`;
  expect(next.id).toBe(Number(id) + 1);
});

test("POST with an Idempotency-Key creates one system; an account that is no admin any more gets 403 for it", async () => {
  const account = await newAccount(api, "admin");
  const [body, options] = [{ name: newSystemName() }, { headers: { "Idempotency-Key": uniqueName("key-") } }];
  const first = await account.post(list, body, options);
  const replay = await account.post(list, body, options);
  expect([replay.status, replay.body, replay.headers.get("Idempotency-Replayed")]).toEqual([
    201,
    first.body,
    "true",
  ]);
  expect((await account.post(list, { name: newSystemName() }, options)).status).toBe(422);
  await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${account.id}`;
  expect(await account.post(list, body, options)).toEqual(
    problem(403, "Only an admin may create identifier systems."),
  );
});

test("PATCH with a stale If-Match returns 412; GET with a known ETag 304", async () => {
  const system = await postIdentifierSystem(admin);
  const stale = { headers: { "If-Match": '"2"' } };
  expect((await admin.patch(pathOf(system), { check_digit: "mod97" }, stale)).status).toBe(412);
  expect((await nurse.get(pathOf(system), { headers: { "If-None-Match": '"1"' } })).status).toBe(304);
});

test("the list is read page by page", async () => {
  const systems = [await postIdentifierSystem(admin), await postIdentifierSystem(admin)];
  const first = await nurse.get(`${list}?limit=1&sort=-id`);
  const second = await nurse.get(nextOf(first) ?? "");
  expect([first.body, second.body]).toEqual([[systems[1]], [systems[0]]]);
});

test("a creation and a change are audited with the id of the system and the values before and after", async () => {
  const name = newSystemName();
  const created = await admin.post(list, { name, pattern: "\\d" });
  const { id } = created.body;
  expect(await auditEventsOf(created)).toMatchObject([
    {
      action: "create_identifier_system",
      outcome: "done",
      changes: {
        identifier_system: { before: null, after: id },
        name: { before: null, after: name },
        pattern: { before: null, after: "\\d" },
      },
    },
  ]);
  const ofSystem = { identifier_system: { before: id, after: id } };
  for (const [changes, recorded] of [
    [{ pattern: null }, { ...ofSystem, pattern: { before: "\\d", after: null } }],
    [{}, ofSystem],
  ] as const)
    expect(await auditEventsOf(await admin.patch(pathOf({ id }), changes))).toMatchObject([
      { action: "update_identifier_system", outcome: "done", changes: recorded },
    ]);
  expect(await auditEventsOf(await nurse.patch(pathOf({ id }), { pattern: "A" }))).toMatchObject([
    { outcome: "refused", changes: null },
  ]);
});

test.each([
  ["name", ["", "NHS", "nhs number", "x".repeat(33), "é", null, 1]],
  ["uri", ["", "example.org", "urn:", "urn:a b", `urn:${"x".repeat(221)}`, 7]],
  [
    "pattern",
    [
      ...[
        "",
        "a",
        "A-Z",
        " A B ",
        ".",
        "A.",
        "A*",
        "A+",
        "A?",
        "A|B",
        "(A)",
        "(\\d{2}){3}",
        "[A-F]",
        "[^A-Z]",
        "[0-9]",
      ],
      ...[
        "\\D",
        "\\w",
        "\\",
        "A\\",
        "^A$",
        "A{",
        "A{}",
        "A{0}",
        "A{1,}",
        "A{,2}",
        "A{3,2}",
        "A{100}",
        "A{2}{2}",
        "{2}",
      ],
      ...["\\d{65}", "\\d{60}[A-Z]{0,5}", "A".repeat(65), "É", "\\d\0", 7],
    ],
  ],
  ["check_digit", ["", "luhn", "MOD10", null]],
])("%s: other values return 400 on the field", async (field, values) => {
  for (const value of values)
    expect([value, await admin.post(list, { name: newSystemName(), [field]: value })]).toEqual([
      value,
      fieldProblem(field),
    ]);
});

test.each(["\\d{64}", "[A-Z]{2}\\d{6}[A-Z0-9]{0,3}", "A/9:_#\\.", "\\d{0,1}A{1}"])(
  "pattern %j is accepted",
  async (pattern) => {
    expect(await postIdentifierSystem(admin, { pattern })).toMatchObject({ pattern });
  },
);
