import { expect, test } from "vitest";
import type { FieldErrorCode } from "../../src/http/problem-codes.ts";
import { invite } from "../invitations/requests.ts";
import { CSV, imported } from "../patients/files.ts";
import { newAccount, PASSWORD, setPassword, uniqueName } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { hoursFromNow } from "../support/appointments.ts";
import { addMember, newClinic } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { REASON } from "../support/ownership.ts";
import { newPatient, postDoctor, postIdentifierSystem, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = await Promise.all([newAccount(api), newAccount(api, "admin")]);
const patient = await postPatient(nurse);
await setPassword(nurse.id, PASSWORD);

const postFields = (fields: object) => nurse.post("/api/patients/", newPatient({ ...fields }));
const list = (query: string) => nurse.get(`/api/patients/?${query}`);
const importCsv = (text: string) => imported(nurse, text, CSV);
const HEADER = "firstname,lastname,email,age,gender\n";
const line = (email: string) => `Grace,Hopper,${email},85,F\n`;
const { name: system } = await postIdentifierSystem(admin, { check_digit: "mod10" });
/** Imports patients with the same identifier. */
const importIdentified = (count: number, value: string) =>
  imported(
    nurse,
    Array.from({ length: count }, () =>
      JSON.stringify(newPatient({ identifiers: [{ system, value }] })),
    ).join("\n"),
  );
const changePassword = (current: string, password: string, account = nurse) =>
  account.post("/api/auth/password/", { current, new: password });
const register = (fields: object, atApi = api) =>
  atApi.post("/api/auth/register/", {
    ...{ username: uniqueName("user-"), email: "ada@example.org", password: PASSWORD },
    ...fields,
  });
const byInvitation = connectApi({ REGISTRATION: "invitation" });

const book = ({ id: doctor }: { id: number }, hours = 24) =>
  nurse.post("/api/appointments/", { patient: patient.id, doctor, starts_at: hoursFromNow(hours) });

/** A request for each code. */
const requests: Record<FieldErrorCode, () => Promise<ApiResponse>> = {
  required: () => postFields({ firstname: " ", lastname: null }),
  invalid_type: () => postFields({ age: "85" }),
  invalid_value: () => postFields({ gender: "x" }),
  invalid_format: () => list("doctor=house"),
  invalid_email: () => postFields({ email: "grace" }),
  invalid_phone: () => postFields({ phones: ["+44 (0)20 7946 0958"] }),
  country_code_missing: () => postFields({ phones: ["020 7946 0958"] }),
  invalid_text: () => postFields({ firstname: "a\0" }),
  invisible_characters: () => postFields({ firstname: "Gra\u200bce" }),
  too_big: () => postFields({ age: 121 }),
  too_small: () => list("min_age=2&max_age=1"),
  too_long: () => postFields({ firstname: "x".repeat(101) }),
  too_short: () => register({ password: "horse" }),
  too_many: () => importCsv(`${HEADER}${"x,".repeat(100)}`),
  unknown_field: () => postFields({ phone: "1" }),
  unknown_parameter: () => list("page=2"),
  repeated_parameter: () => list("limit=1&limit=2"),
  malformed_encoding: () => list("search=Jos%E9"),
  read_only: () =>
    nurse.patch("/api/auth/me/", { email: "a@example.org", password: PASSWORD, role: "admin" }),
  no_such_record: () => nurse.post("/api/mappings/", { patient: 2_147_483_647, doctor: 2_147_483_647 }),
  doctor_inactive: async () => {
    const { id } = await postDoctor(nurse, { active: false });
    return nurse.post("/api/mappings/", { patient: patient.id, doctor: id });
  },
  not_assigned: async () => book(await postDoctor(nurse)),
  retired: async () => book(await postDoctor(nurse, { active: false })),
  past: async () => book(await postDoctor(nurse), -1),
  too_far_ahead: async () => book(await postDoctor(nurse), 367 * 24),
  interim_manager: async () => {
    const clinic = await newClinic();
    await addMember(clinic, admin, "manager");
    await asOwner`UPDATE memberships SET is_interim = true WHERE clinic_id = ${clinic}`;
    return admin.post(`/api/patients/${patient.id}/transfer/`, { to: { clinic }, reason: REASON });
  },
  in_the_future: () => postFields({ birth_date: "2999" }),
  too_long_ago: () => postFields({ age: null, birth_date: "1789-07-14" }),
  age_disagrees: () => postFields({ age: 3, birth_date: "1990" }),
  birth_date_known: async () => {
    const { id } = await postPatient(nurse, { age: null, birth_date: "1990" });
    return nurse.patch(`/api/patients/${id}/`, { birth_date: null });
  },
  same_account: () => admin.post("/api/patients/transfer/", { from: nurse.id, to: nurse.id, reason: REASON }),
  password_too_common: () => register({ password: "password1" }),
  password_one_character: () => register({ password: "aaaaaaaa" }),
  password_is_username: () => register({ username: "florence.night", password: "florence.night" }),
  password_is_email: () => register({ email: "florence.night@example.org", password: "florence.night" }),
  password_unchanged: () => changePassword(PASSWORD, PASSWORD),
  password_expired: async () => {
    const account = await newAccount(api);
    await setPassword(account.id, PASSWORD);
    await asOwner`UPDATE users SET must_change_password = true, password_expires_at = now() WHERE id = ${account.id}`;
    return changePassword(PASSWORD, "another horse battery", account);
  },
  wrong_password: () => changePassword("wrong", "another horse battery"),
  invitation_invalid: () => register({ invitation: "A".repeat(27) }, byInvitation),
  email_not_invited: async () => register({ invitation: (await invite(admin)).code }, byInvitation),
  invalid_cursor: () => list("cursor=abc"),
  differs_from_cursor: async () => {
    await postPatient(nurse);
    const next = (await list("limit=1")).headers.get("Link")?.match(/cursor=[^>&]+/)?.[0];
    return list(`${next}&gender=M`);
  },
  email_taken: () => importCsv(HEADER + line(patient.email)),
  email_repeated: () => importCsv(HEADER + line("a@example.org") + line("A@example.org")),
  invalid_check_digit: () => postFields({ identifiers: [{ system, value: "4242424242424241" }] }),
  identifier_taken: async () => {
    await postFields({ identifiers: [{ system, value: "4242424242424242" }] });
    return importIdentified(1, "4242424242424242");
  },
  identifier_repeated: () => importIdentified(2, "378282246310005"),
  invalid_json: () => imported(nurse, "{"),
  invalid_csv: () => importCsv(`${HEADER}"Grace`),
  duplicate_key: () => imported(nurse, '{"age": 1, "age": 2}'),
  wrong_cell_count: () => importCsv(`${HEADER}Grace,Hopper\n`),
  missing_header: () => importCsv(line("a@example.org")),
  unknown_column: () => importCsv(HEADER.replace("\n", ",phone\n") + line("a@example.org")),
  missing_column: () => importCsv("firstname,lastname\nGrace,Hopper\n"),
  duplicate_column: () => importCsv(HEADER.replace("\n", ",age\n") + line("a@example.org")),
};

test.each(Object.entries(requests))("%s is the code of a field error", async (code, send) => {
  const { status, body } = await send();
  expect([status, body.code, Object.values(body.error_codes).flat()]).toEqual([
    400,
    "validation_failed",
    expect.arrayContaining([code]),
  ]);
  const count = (fields: object) => Object.entries(fields).map(([field, all]) => [field, all.length]);
  expect(count(body.error_codes)).toEqual(count(body.errors));
});
