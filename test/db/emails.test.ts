import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { emailField } from "../../src/http/fields.ts";
import { newAccount } from "../support/accounts.ts";
import { invalidEmails, validEmails } from "../support/emails.ts";
import { asOwner, owner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

// One rule for all emails, in the API (zod) and as constraints of the database.

const admin = await newAccount(undefined, "admin");
/** A second account, because the requests of one are limited. */
const inviter = await newAccount(undefined, "admin");
const patient = await postPatient(admin);
const doctor = await postDoctor(inviter);

/** Sends an email to each route that takes one, but for those of /api/auth/. */
const requestsWith: [name: string, send: (email: string) => ReturnType<typeof admin.patch>][] = [
  ["a patient", (email) => admin.patch(`/api/patients/${patient.id}/`, { email })],
  ["a doctor", (email) => inviter.patch(`/api/doctors/${doctor.id}/`, { email })],
  ["an invitation", (email) => inviter.post("/api/invitations/", { email, role: "clinician" })],
];

describe.each(requestsWith)("the email of %s", (_, send) => {
  test("is accepted and returned if it is an address of RFC 5321 or RFC 6531", async () => {
    for (const email of validEmails)
      expect([email, await send(email)]).toMatchObject([email, { body: { email } }]);
  });

  test("is 400 otherwise", async () => {
    for (const email of invalidEmails)
      expect([email, await send(email)]).toEqual([email, fieldProblem("email")]);
  });
});

const anyExisting = { existing: expect.any(Number) };

/** The rule of each table's constraint, as an SQL condition on its column `email`. */
let rules: { table: string; rule: string }[];
beforeAll(async () => {
  rules = (await asOwner`
    SELECT conrelid::regclass::text AS table, pg_get_expr(conbin, conrelid) AS rule FROM pg_constraint
    WHERE conname LIKE '%\\_email\\_check' ORDER BY conname`) as typeof rules;
});
/** Those of `emails` that the constraint of a table accepts. */
const acceptedBy = async (rule: string, emails: string[]) =>
  (await owner().query(`SELECT email FROM unnest($1::text[]) email WHERE ${rule}`, [emails])).map(
    ({ email }) => email,
  );

test("each table with an email has a constraint that accepts and refuses the same addresses as the API", async () => {
  expect(rules.map(({ table }) => table)).toEqual(["doctors", "invitations", "patients", "users"]);
  for (const { table, rule } of rules)
    expect([table, await acceptedBy(rule, [...invalidEmails, ...validEmails])]).toEqual([table, validEmails]);
});

test("the API and the constraint agree on any text in NFC without spaces around it", async () => {
  const characters = fc.constantFrom(
    ...[
      ..."ab.@-1_=+'\"\\,;: \u00a0é\u0301ü用ыΣς\u200b\u200d＠。❤\ufe0f\u0e33\uac00𠀀😀\u{e0041}\ue000\u037e\u212a",
      "xn--",
      ".org",
    ],
  );
  const part = fc.string({
    unit: fc.oneof(
      { weight: 4, arbitrary: characters },
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
    maxLength: 12,
  });
  const emails = fc
    .sample(fc.tuple(part, part, fc.constantFrom(".org", ".рф", ".xn--p1ai", "")), 5000)
    .map(([local, domain, top]) => `${local}@${domain}${top}`.normalize("NFC").trim())
    .filter((email) => !email.includes("\0"));
  const byApi = emails.filter((email) => emailField(254).safeParse(email).success);
  expect(byApi.length).toBeGreaterThan(50);
  for (const { table, rule } of rules)
    expect([table, await acceptedBy(rule, emails)]).toEqual([table, byApi]);
});

test("an email is trimmed and stored in NFC; the constraint refuses any other form", async () => {
  const { body } = await admin.patch(`/api/patients/${patient.id}/`, {
    email: "\u3000re\u0301sume\u0301@example.org \n",
  });
  expect(body).toMatchObject({ email: "r\u00e9sum\u00e9@example.org" });
  for (const { rule } of rules)
    expect(await acceptedBy(rule, ["re\u0301sume\u0301@example.org"])).toEqual([]);
});

/** Two spellings of one address. */
const sameEmails: [string, string][] = [
  ["Ada@Example.org", "aDA@eXAMPLE.ORG"],
  ["мария@пример.рф", "МАРИЯ@ПРИМЕР.РФ"],
  ["jos\u00e9@example.org", "JOSE\u0301@example.org"],
  ["γιώργος.ος@παράδειγμα.ελ", "ΓΙΏΡΓΟΣ.ΟΣ@ΠΑΡΆΔΕΙΓΜΑ.ΕΛ"],
  ["\u0390@example.org", "\u03aa\u0301@example.org"],
  ["ístanbul.i@example.org", "ÍSTANBUL.I@example.org"],
];

describe.each(sameEmails)("%s and %s are the same email", (one, other) => {
  test("for a patient of the same account, by POST, PATCH, import and restore", async () => {
    const account = await newAccount();
    const { id } = await postPatient(account, { email: one });
    const duplicate = problem(409, "You already have a patient with this email.", "email_taken", anyExisting);
    expect(await account.post("/api/patients/", newPatient({ email: other }))).toEqual(duplicate);
    const second = await postPatient(account);
    expect(await account.patch(`/api/patients/${second.id}/`, { email: other })).toEqual(duplicate);
    const lines = [newPatient({ email: other }), newPatient({ email: one })];
    const raw = new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n"));
    const headers = { "Content-Type": "application/x-ndjson" };
    const imported = await account.request("POST", "/api/patients/import/", undefined, { raw, headers });
    expect(imported).toEqual(fieldProblem("1.email", "2.email"));
    await account.delete(`/api/patients/${id}/`);
    expect((await account.patch(`/api/patients/${second.id}/`, { email: other })).status).toBe(200);
    expect((await account.post(`/api/patients/${id}/restore/`)).status).toBe(409);
    expect(
      (await account.request("POST", "/api/patients/import/", undefined, { raw: raw.slice(0), headers }))
        .status,
    ).toBe(400);
  });

  test("for two doctors, for an invitation and in a search of accounts", async () => {
    const { id } = await postDoctor(admin, { email: one });
    expect(await admin.post("/api/doctors/", newDoctor({ email: other }))).toEqual(
      problem(409, "A doctor with this email already exists.", "email_taken", anyExisting),
    );
    await admin.delete(`/api/doctors/${id}/`);
    const { body: invitation } = await admin.post("/api/invitations/", { email: one, role: "clinician" });
    const account = { username: `invited-${invitation.id}`, email: other, password: "correct horse battery" };
    const registered = await admin.api.post("/api/auth/register/", {
      ...account,
      invitation: invitation.code,
    });
    expect(registered).toMatchObject({ status: 201, body: { email: other.normalize("NFC") } });
    const found = await admin.get(`/api/accounts/?limit=200&sort=-id&search=${encodeURIComponent(one)}`);
    expect(found.body.map((found: { id: number }) => found.id)).toContain(registered.body.id);
  });
});
