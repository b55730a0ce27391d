import { afterAll, describe, expect, test } from "vitest";
import { clinicRoles } from "../../src/db/schema.ts";
import { insertRefreshToken, newAccount, uniqueName } from "../support/accounts.ts";
import { newClinic } from "../support/clinics.ts";
import { asOwner, owner } from "../support/owner.ts";
import { assignDoctor, newSystemName, postDoctor, postPatient } from "../support/resources.ts";
import { emailOfLength } from "../support/text.ts";

const nurse = await newAccount();
await insertRefreshToken(nurse);
const { id: assignment, patient, doctor } = await assignDoctor(nurse);
const { id: patientOfOther } = await postPatient(await newAccount());
const [known = {}] = await asOwner`
  SELECT upper(username) AS username, upper(p.email) AS patient, upper(d.email) AS doctor, s.id AS session, token_hash
  FROM users u JOIN patients p ON p.created_by = u.id JOIN doctors d ON d.created_by = u.id
    JOIN sessions s ON s.user_id = u.id JOIN refresh_tokens ON session_id = s.id
  WHERE u.id = ${nurse.id}`;

const emptyClinics = await Promise.all(Array.from({ length: 20 }, () => newClinic()));
const hash = "0123456789abcdef".repeat(4);

const MONDAY = "2026-06-01T00:00Z";

/** A valid row of each table, with unique values. */
const rows: Record<string, () => Record<string, unknown>> = {
  users: () => ({ username: uniqueName("raw-"), email: "raw@example.org", password_hash: "x".repeat(60) }),
  invitations: () => ({
    ...{ email: "raw@example.org", role: "clinician", code_hash: uniqueName("").padEnd(64, "2") },
    ...{ created_by: nurse.id, expires_at: "2030-01-01", clinic_id: nurse.id, clinic_role: "clerk" },
  }),
  clinics: () => ({ name: "raw", kind: "shared" }),
  memberships: () => ({
    clinic_id: emptyClinics.pop(),
    ...{ account_id: nurse.id, role: "clerk", time_zone: "", clinic_active: true },
  }),
  login_attempts: () => ({
    ...{ username: uniqueName("raw-"), network: "192.0.2.1", failures: 1 },
    ...{ failed_at: "2026-01-01", blocked_until: "2026-01-01" },
  }),
  sessions: () => ({ user_id: nurse.id, token_version: 1, expires_at: "2030-01-01" }),
  refresh_tokens: () => ({ token_hash: uniqueName("").padEnd(64, "0"), session_id: known["session"] }),
  patients: () => ({ ...person(), age: 1, created_by: nurse.id, owner_id: nurse.id }),
  emergency_accesses: () => ({ account_id: nurse.id, patient_id: patient, expires_at: "2030-01-01" }),
  doctors: () => ({ ...person(), specialization: "GEN", created_by: nurse.id }),
  patient_identifiers: () => ({
    patient_id: patient,
    owner_id: nurse.id,
    system: "known",
    key: uniqueName(""),
  }),
  identifier_systems: () => ({ name: newSystemName(), created_by: nurse.id }),
  patient_merges: () => ({
    survivor_id: patient,
    merged_id: patientOfOther,
    account_id: nurse.id,
    snapshot: "{}",
  }),
  mappings: () => ({ patient_id: patient, owner_id: nurse.id, doctor_id: doctor }),
  ended_assignments: () => ({
    ...{ id: assignment, patient_id: patient, owner_id: nurse.id, doctor_id: doctor },
    ...{ doctor_name: "A B", assigned_at: "2026-01-01", ended_by: nurse.id },
  }),
  schedules: () => ({ doctor_id: doctor, time_zone: "UTC", slot_minutes: 30, week: "{}" }),
  absences: () => ({ doctor_id: doctor, starts_at: MONDAY, ends_at: "2026-06-02Z", created_by: nurse.id }),
  appointments: () => ({
    ...{ patient_id: patient, owner_id: nurse.id, doctor_id: doctor, created_by: nurse.id },
    ...{ starts_at: MONDAY, ends_at: "2026-06-01T00:30Z", time_zone: "UTC", status: "cancelled" },
  }),
  calendar_feeds: () => ({
    ...{
      account_id: nurse.id,
      clinic_id: nurse.id,
      label: "raw",
      token_hash: uniqueName("").padEnd(64, "3"),
    },
  }),
  record_changes: () => ({ audience: "everybody", audience_id: 0, kind: 2, record_id: 1, version: 1 }),
  change_feed: () => ({ id: 1 }),
  audit_events: () => ({ action: "read", outcome: "done" }),
  probes: () => ({ account_id: nurse.id, hour: 2, not_found: 1 }),
  audit_digests: () => ({ day: "2001-01-01", events: 0, sha256: hash, hmac: hash, closed_at: "2001-01-02" }),
  idempotency_keys: () => ({
    account_id: nurse.id,
    key: uniqueName("key-"),
    fingerprint: hash,
    answer: "{}",
  }),
};
const person = () => ({
  firstname: "A",
  lastname: "B",
  email: `${uniqueName("raw-")}@example.org`,
  gender: "F",
});

/** Inserts a valid row with some values changed. */
function insert(table: string, changes: Record<string, unknown>) {
  const row = { ...rows[table]?.(), ...changes };
  const values = Object.keys(row).map((_, index) => `$${index + 1}`);
  const into = `${table} (${Object.keys(row)}) OVERRIDING SYSTEM VALUE`;
  return owner().query(`INSERT INTO ${into} VALUES (${values}) RETURNING *`, Object.values(row));
}

await insert("idempotency_keys", { key: "known" });
const [invitation] = await insert("invitations", { code_hash: hash });
await insert("login_attempts", { username: "known" });
const [access] = await insert("emergency_accesses", {});
const other = await newAccount();
await insert("audit_events", { id: 1, at: "2001-01-01" });
await insert("audit_digests", {});
await insert("probes", { hour: 1 });
const [system] = await insert("identifier_systems", { name: "known" });
await insert("patient_identifiers", { key: "KNOWN" });
await insert("ended_assignments", {});
await insert("mappings", { doctor_id: (await postDoctor(nurse)).id, is_primary: true });
const [merge] = await insert("patient_merges", {});
const anotherDoctor = (await postDoctor(nurse)).id;
await insert("schedules", { doctor_id: anotherDoctor });
const [absence] = await insert("absences", {});
const [appointment] = await insert("appointments", { status: "booked" });
const [feed] = await insert("calendar_feeds", { token_hash: hash });
// The API would not have made all of them, and other tests list them.
afterAll(() => asOwner`DELETE FROM identifier_systems WHERE created_by = ${nurse.id} AND name <> 'known'`);

type Values = [forbidden: unknown[], allowed: unknown[]];
const notEmails = ["", "nobody", "@example.org", "nobody@", "a@b@c", "a b@c.org"];
const email = (max: number): Values => [[...notEmails, emailOfLength(max + 1)], [emailOfLength(max)]];
const notNames = ["  ", "\t\n", "x".repeat(101)];
const name: Values = [notNames, ["", "x", "🩺".repeat(100)]];
const phone = "+442079460958";
const notPhones = [["2079460958"], ["+0207946095"], ["+44 2079460958"], [null], Array(6).fill(phone)];
const phones: Values = [notPhones, [[], ["+123456789012345"], Array(5).fill(phone)]];
const notUsernames = ["", "two words", "josé", "a/b", "a\nb", "x".repeat(151)];
const genders = ["M", "F", "O", "U"];
const specializations = ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"];

/** For the CHECK on each column: values that it forbids, and the extreme ones that it allows. */
const checks: [table: string, column: string, ...Values][] = [
  ["mappings", "role", ["", "nurse", "Attending"], []],
  ["ended_assignments", "role", ["", "nurse", "Attending"], []],
  ["record_changes", "audience", ["", "nobody"], ["account", "doctor", "everybody"]],
  ["record_changes", "kind", [0, 5], [1, 2, 3, 4]],
  ["change_feed", "id", [0, 2], []],
  ["schedules", "slot_minutes", [4, 481], []],
  ["schedules", "time_zone", ["UTC".padEnd(65, " ")], []],
  ["schedules", "week", ["{[-1,60)}", "{[0,10081)}"], []],
  [
    "absences",
    "ends_at",
    [MONDAY, "2026-05-31Z", "2027-06-02T00:01Z"],
    ["2026-06-01 00:01:00+00", "2027-06-02 00:00:00+00"],
  ],
  ["appointments", "status", ["", "pending"], []],
  ["appointments", "starts_at", ["2026-06-01T00:00:01Z"], ["2026-06-01 00:01:00+00"]],
  [
    "appointments",
    "ends_at",
    [MONDAY, "2026-06-01T00:04Z", "2026-06-01T08:01Z"],
    ["2026-06-01 00:05:00+00", "2026-06-01 08:00:00+00"],
  ],
  ["appointments", "note", ["x".repeat(501)], [null, "x".repeat(500)]],
  ["appointments", "cancel_reason", ["x".repeat(201)], [null, "x".repeat(200)]],
  [
    "appointments",
    "override_reason",
    ["x".repeat(9), "x".repeat(501)],
    [null, "x".repeat(10), "x".repeat(500)],
  ],
  ["calendar_feeds", "label", ["", "x".repeat(101)], ["x", "x".repeat(100)]],
  ["calendar_feeds", "token_hash", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], []],
  ["users", "username", notUsernames, [uniqueName("@.+-_").padEnd(150, "A")]],
  ["users", "email", ...email(254)],
  ["users", "password_hash", ["", "x".repeat(59), "x".repeat(61)], ["y".repeat(60)]],
  ["users", "role", ["", "doctor", "Admin"], ["clinician", "admin", "auditor"]],
  ["sessions", "user_agent", ["x".repeat(257)], [null, "x".repeat(256)]],
  ["sessions", "last_user_agent", ["x".repeat(257)], [null, "x".repeat(256)]],
  ["invitations", "email", ...email(254)],
  ["invitations", "role", ["", "doctor", "Admin"], ["clinician", "admin", "auditor"]],
  ["invitations", "code_hash", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], ["f".repeat(64)]],
  ["invitations", "clinic_role", ["", "admin"], [...clinicRoles]],
  ["clinics", "name", ["", "x".repeat(151)], ["x", "x".repeat(150)]],
  ["clinics", "kind", ["", "other"], ["personal", "shared"]],
  ["clinics", "time_zone", ["UTC".padEnd(65, " ")], ["", "Europe/Vienna"]],
  ["memberships", "role", ["", "admin"], [...clinicRoles]],
  ["login_attempts", "failures", [-1], [0]],
  ["probes", "not_found", [0, -1], [1]],
  ["refresh_tokens", "token_hash", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], [hash]],
  ["refresh_tokens", "successor_hash", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], [null, hash]],
  ["patients", "firstname", ...name],
  ["patients", "lastname", ...name],
  ["patients", "email", ...email(128)],
  ["patients", "phones", ...phones],
  ["doctors", "phones", ...phones],
  ["patients", "address", ["[]", '"Leeds"'], [null, { city: "Leeds" }]],
  ["patients", "age", [-1, 121], [0, 120]],
  ["patients", "gender", ["", "f", "X"], genders],
  ["doctors", "firstname", ...name],
  ["doctors", "lastname", ...name],
  ["doctors", "email", ...email(128)],
  ["doctors", "gender", ["", "f", "X"], genders],
  ["doctors", "specialization", ["", "gen", "SURG"], specializations],
  ["doctors", "max_appointments_per_day", [-1, 1001], [0, 1000]],
  ["patients", "identifiers", ['{"system": "known"}', "null", JSON.stringify(Array(11).fill({}))], []],
  ["identifier_systems", "name", ["", "NHS", "a b", "x".repeat(33)], ["x", "z-9".padEnd(32, "0")]],
  [
    "identifier_systems",
    "uri",
    ["", "nhs", "urn:", "urn:a b", `urn:${"x".repeat(221)}`],
    [null, `urn:${"x".repeat(220)}`],
  ],
  [
    "identifier_systems",
    "pattern",
    [
      "",
      "a",
      "-",
      " ",
      ".",
      "A*",
      "A|B",
      "(A)",
      "[A-F]",
      "[^A-Z]",
      "\\w",
      "\\",
      "A{",
      "A{1,}",
      "A{100}",
      "A".repeat(201),
    ],
    [null, "\\d{10}", "[A-Z]{2}\\d[A-Z0-9]{3,5}", "A/9:_#\\.", "A".repeat(200)],
  ],
  ["identifier_systems", "check_digit", ["", "luhn"], ["none", "mod10", "mod11", "mod97"]],
  ["patients", "deleted_at", ["2026-01-01"], [null]],
  ["audit_events", "outcome", ["", "failed"], ["done", "not_found", "refused"]],
  ["audit_digests", "sha256", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], []],
  ["audit_digests", "hmac", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], []],
  [
    "idempotency_keys",
    "key",
    ["", "a b", "12 a b", "é", "\u007f", "x".repeat(256)],
    ["!", "~".repeat(255), "12 !"],
  ],
  ["idempotency_keys", "fingerprint", ["", hash.slice(1), `${hash}0`, hash.toUpperCase()], [hash]],
];

/** For the CHECK on several columns: values that break it. */
const rowChecks: [table: string, rule: string, breaking: Record<string, unknown>][] = [
  ["patients", "name", { firstname: "", lastname: "" }],
  ["doctors", "name", { firstname: "", lastname: "" }],
  ["patients", "contact", { email: null }],
  ["invitations", "clinic", { clinic_id: null }],
  ["appointments", "owner_id", { status: "booked", owner_id: null }],
];

/** For each key and each foreign key of a table: values that break it. */
const keys: [table: string, constraint: string, breaking: Record<string, unknown>][] = [
  ["change_feed", "change_feed_pkey", { id: 1 }],
  ["users", "users_pkey", { id: nurse.id }],
  ["users", "users_username_key", { username: known["username"] }],
  ["users", "users_doctor_id_fkey", { doctor_id: 0 }],
  ["invitations", "invitations_pkey", { id: invitation?.["id"] }],
  ["invitations", "invitations_code_hash_key", { code_hash: hash }],
  ["invitations", "invitations_created_by_fkey", { created_by: 0 }],
  ["invitations", "invitations_clinic_id_fkey", { clinic_id: 0 }],
  ["clinics", "clinics_pkey", { id: nurse.id }],
  ["memberships", "memberships_pkey", { clinic_id: nurse.id }],
  ["memberships", "memberships_clinic_fkey", { clinic_active: false }],
  ["memberships", "memberships_account_id_fkey", { account_id: 0 }],
  ["login_attempts", "login_attempts_pkey", { username: "known" }],
  ["probes", "probes_pkey", { hour: 1 }],
  ["probes", "probes_account_id_fkey", { account_id: 0 }],
  ["sessions", "sessions_pkey", { id: known["session"] }],
  ["sessions", "sessions_user_id_fkey", { user_id: 0, clinic_id: nurse.id }],
  ["sessions", "sessions_membership_fkey", { clinic_id: 0 }],
  ["refresh_tokens", "refresh_tokens_pkey", { token_hash: known["token_hash"] }],
  ["refresh_tokens", "refresh_tokens_session_id_fkey", { session_id: crypto.randomUUID() }],
  ["patients", "patients_pkey", { id: patient }],
  ["patients", "patients_owner_id_email_key", { email: known["patient"] }],
  ["patients", "patients_owner_id_fkey", { owner_id: 0 }],
  ["patients", "patients_deleted_from_fkey", { owner_id: null, deleted_from: 0, deleted_at: "2026-01-01" }],
  ["emergency_accesses", "emergency_accesses_pkey", {}],
  ["emergency_accesses", "emergency_accesses_id_key", { account_id: other.id, id: access?.["id"] }],
  ["emergency_accesses", "emergency_accesses_account_id_fkey", { account_id: 0 }],
  ["emergency_accesses", "emergency_accesses_clinic_id_fkey", { account_id: other.id, clinic_id: 0 }],
  ["emergency_accesses", "emergency_accesses_patient_id_fkey", { patient_id: 0 }],
  ["patients", "patients_created_by_fkey", { created_by: 0 }],
  ["doctors", "doctors_pkey", { id: doctor }],
  ["doctors", "doctors_email_key", { email: known["doctor"] }],
  ["doctors", "doctors_created_by_fkey", { created_by: 0 }],
  ["identifier_systems", "identifier_systems_pkey", { id: system?.["id"] }],
  ["identifier_systems", "identifier_systems_name_key", { name: "known" }],
  ["identifier_systems", "identifier_systems_created_by_fkey", { created_by: 0 }],
  ["patient_identifiers", "patient_identifiers_pkey", { owner_id: null, key: "KNOWN" }],
  [
    "patient_identifiers",
    "patient_identifiers_owner_id_key_system_key",
    { patient_id: patientOfOther, key: "KNOWN" },
  ],
  ["patient_identifiers", "patient_identifiers_patient_id_fkey", { patient_id: 0 }],
  ["patient_identifiers", "patient_identifiers_system_fkey", { system: "unknown" }],
  ["patient_merges", "patient_merges_pkey", { id: merge?.["id"] }],
  ["patient_merges", "patient_merges_survivor_id_fkey", { survivor_id: 0 }],
  ["patient_merges", "patient_merges_merged_id_fkey", { merged_id: 0 }],
  ["patient_merges", "patient_merges_account_id_fkey", { account_id: 0 }],
  ["mappings", "mappings_pkey", { id: assignment }],
  ["audit_events", "audit_events_pkey", { id: 1, at: "2001-01-01" }],
  ["audit_digests", "audit_digests_pkey", {}],
  ["mappings", "mappings_patient_id_doctor_id_key", {}],
  ["mappings", "mappings_primary_key", { doctor_id: 0, is_primary: true }],
  ["mappings", "mappings_patient_id_fkey", { patient_id: 0, owner_id: null }],
  ["mappings", "mappings_patient_fkey", { patient_id: patientOfOther }],
  ["mappings", "mappings_doctor_fkey", { doctor_id: 0 }],
  ["ended_assignments", "ended_assignments_pkey", {}],
  ["ended_assignments", "ended_assignments_patient_id_fkey", { id: 0, patient_id: 0, owner_id: null }],
  ["ended_assignments", "ended_assignments_patient_fkey", { id: 0, patient_id: patientOfOther }],
  ["ended_assignments", "ended_assignments_ended_by_fkey", { id: 0, ended_by: 0 }],
  ["schedules", "schedules_pkey", { doctor_id: anotherDoctor }],
  ["schedules", "schedules_doctor_id_fkey", { doctor_id: 0 }],
  ["absences", "absences_pkey", { id: absence?.["id"] }],
  ["absences", "absences_doctor_id_fkey", { doctor_id: 0 }],
  ["absences", "absences_created_by_fkey", { created_by: 0 }],
  ["appointments", "appointments_pkey", { id: appointment?.["id"] }],
  ["appointments", "appointments_patient_fkey", { patient_id: patientOfOther }],
  ["appointments", "appointments_patient_id_fkey", { patient_id: 0, owner_id: null }],
  ["appointments", "appointments_doctor_id_fkey", { doctor_id: 0 }],
  ["appointments", "appointments_created_by_fkey", { created_by: 0 }],
  [
    "appointments",
    "appointments_doctor_busy",
    { status: "fulfilled", patient_id: patientOfOther, owner_id: null },
  ],
  ["appointments", "appointments_patient_busy", { status: "arrived", doctor_id: anotherDoctor }],
  ["calendar_feeds", "calendar_feeds_pkey", { id: feed?.["id"] }],
  ["calendar_feeds", "calendar_feeds_token_hash_key", { token_hash: hash }],
  ["calendar_feeds", "calendar_feeds_membership_fkey", { clinic_id: 0 }],
  ["calendar_feeds", "calendar_feeds_doctor_id_fkey", { doctor_id: 0 }],
  ["idempotency_keys", "idempotency_keys_pkey", { key: "known" }],
  ["idempotency_keys", "idempotency_keys_account_id_fkey", { account_id: 0 }],
];

/** A row that breaks one of them also breaks the primary key; foreign keys need them as their targets. */
const implied = ["patients_owner_id_id_key", "clinics_id_time_zone_active_key"];

describe.each(checks)("%s.%s", (table, column, forbidden, allowed) => {
  // A value may be an array itself.
  test.each(forbidden.map((value) => [value]))("must not be %j", async (value) => {
    const broken = { constraint: `${table}_${column}_check` };
    await expect(insert(table, { [column]: value })).rejects.toMatchObject(broken);
  });

  test.each(allowed.map((value) => [value]))("may be %j", async (value) => {
    expect(await insert(table, { [column]: value })).toMatchObject([{ [column]: value }]);
  });
});

test.each(["infinity", "-infinity"])("an appointment at %s is refused", async (time) => {
  await expect(insert("appointments", { starts_at: time, ends_at: time })).rejects.toMatchObject({
    constraint: "appointments_starts_at_check",
  });
});

test.each(["clinics", "schedules"])("a row of %s with an unknown time zone is refused", async (table) => {
  await expect(insert(table, { time_zone: "Europe/Wien" })).rejects.toMatchObject({ code: "22023" });
});

test.each(rowChecks)("a row of %s that breaks the rule %s is refused", async (table, rule, breaking) => {
  await expect(insert(table, breaking)).rejects.toMatchObject({ constraint: `${table}_${rule}_check` });
});

test.each(keys)("a row of %s that breaks %s is refused", async (table, constraint, breaking) => {
  // In a partition the constraint has a name of its own.
  const ofPartition = constraint.replace("audit_events_", "audit_events_default_");
  await expect(insert(table, breaking)).rejects.toMatchObject({ constraint: ofPartition });
});

test.each([
  [{ birth_date: "1990" }],
  [{ age: null, age_as_of: null }],
  [{ birth_date: "1990-5", age: null, age_as_of: null }],
  [{ birth_date: "1990-05-17T00:00", age: null, age_as_of: null }],
])("a patient with %j is refused: it has a birth date or an age, and only one", async (birth) => {
  await expect(insert("patients", birth)).rejects.toMatchObject({
    code: expect.stringMatching(/^(235|22)/),
  });
});

test("an assignment has the owner of its patient, not the creator of its doctor", async () => {
  const [other] = await insert("users", {});
  const [own] = await insert("doctors", { created_by: other?.["id"] });
  const stranger = insert("mappings", { doctor_id: own?.["id"], owner_id: other?.["id"] });
  await expect(stranger).rejects.toMatchObject({ constraint: "mappings_patient_fkey" });
});

test("deleting an account deletes its sessions and refresh tokens; an account with records cannot be deleted", async () => {
  const account = await newAccount();
  const token_hash = uniqueName("").padEnd(64, "1");
  const [session] = await insert("sessions", { user_id: account.id });
  await insert("refresh_tokens", { session_id: session?.["id"], token_hash });
  await asOwner`DELETE FROM users WHERE id = ${account.id}`;
  expect(await asOwner`SELECT FROM refresh_tokens WHERE token_hash = ${token_hash}`).toEqual([]);
  await expect(asOwner`DELETE FROM users WHERE id = ${nurse.id}`).rejects.toThrow(/created_by_fkey/);
  await expect(asOwner`DELETE FROM doctors WHERE id = ${doctor}`).rejects.toThrow(/mappings_doctor_fkey/);
});

test("deleting a doctor clears the doctor of its account", async () => {
  const [{ id } = {}] = await insert("doctors", {});
  const [account] = await insert("users", { doctor_id: id });
  await asOwner`DELETE FROM doctors WHERE id = ${id}`;
  expect(await asOwner`SELECT doctor_id FROM users WHERE id = ${account?.["id"]}`).toEqual([
    { doctor_id: null },
  ]);
});

test("deleting a record finds what refers to it by an index", async () => {
  // Nobody deletes an account.
  const keys = await asOwner`
    SELECT c.conrelid::regclass::text AS table, array_agg(a.attname::text) AS columns,
      string_agg(format('%I = (SELECT %I FROM %s WHERE false)', a.attname, r.attname, confrelid::regclass), ' AND ') AS condition
    FROM pg_constraint c, unnest(conkey, confkey) k (own, referred), pg_attribute a, pg_attribute r
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confrelid <> 'users'::regclass
      AND a.attrelid = conrelid AND a.attnum = own AND r.attrelid = confrelid AND r.attnum = referred
    GROUP BY c.oid, conrelid, confrelid ORDER BY c.oid`;
  const sql = owner();
  // As PostgreSQL checks a foreign key.
  const plans = await sql.transaction([
    sql`SET LOCAL enable_seqscan = off`,
    ...keys.map((key) =>
      sql.query(
        `EXPLAIN (FORMAT JSON) SELECT FROM ONLY ${key["table"]} WHERE ${key["condition"]} FOR KEY SHARE`,
      ),
    ),
  ]);
  const indexes = plans.slice(1).map((rows) => JSON.stringify(rows).match(/"Index Name":"(\w+)"/)?.[1]);
  const firstColumns = await asOwner`
    SELECT pg_get_indexdef(to_regclass(name), 1, true) AS name FROM unnest(${indexes}::text[]) WITH ORDINALITY i (name, n) ORDER BY n`;
  const withoutIndex = keys.filter((key, n) => !key["columns"].includes(firstColumns[n]?.["name"]));
  expect(keys.length).toBeGreaterThan(20);
  expect(withoutIndex).toEqual([]);
});

test("the database has no other constraint and no other unique index", async () => {
  const found = await asOwner`
    SELECT conname AS name FROM pg_constraint LEFT JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND NOT relispartition
    UNION SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indisunique AND relnamespace = 'public'::regnamespace AND NOT relispartition`;
  const all = [
    ...checks.map(([table, column]) => `${table}_${column}_check`),
    ...rowChecks.map(([table, rule]) => `${table}_${rule}_check`),
    ...["patients_age_as_of_check", "patients_birth_date_check"],
    // Only a patient that exists is merged: a new one has an owner, which the trigger patients_owned sets.
    ...["patients_merged_into_check", "patients_merged_into_fkey"],
    ...keys.map(([, constraint]) => constraint),
    ...implied,
  ];
  expect(found.map(({ name }) => name).sort()).toEqual(all.sort());
});

test("only optional columns and the columns about an end or a deletion may be NULL", async () => {
  const found = await asOwner`SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE 'audit_events%' AND is_nullable = 'YES' ORDER BY name`;
  const deletion = ["deleted_at", "deleted_from", "current_doctor_id", ...Array(5).fill("owner_id")];
  const optional = [
    "record_id",
    "spent_at",
    "logged_in_at",
    "doctor_id",
    "user_agent",
    "created_by",
    "reason",
    ...["address", "email", "email"],
    ...["birth_date", "age", "age_as_of"],
    ...["uri", "pattern", "duplicates"],
  ];
  const ofMerges = ["merged_into", "undone_at"];
  const ofSessions = ["last_address", "last_user_agent", "successor_hash"];
  const ofEmptyDay = ["first_id", "last_id"];
  const names = [
    ...deletion,
    ...optional,
    ...ofMerges,
    ...ofSessions,
    ...ofEmptyDay,
    ...["ended_at", "ended_at", "ended_at", "last_used_at"],
    ...["clinic_id", "clinic_id", "clinic_role"],
    ...["note", "cancel_reason", "override_reason", "doctor_id", "last_used_at"],
    "password_expires_at",
    "probing_until",
  ];
  expect(found.map(({ name }) => name)).toEqual(names.sort());
});

// PostgreSQL would read the text of such a function for each INSERT and UPDATE (docs/decisions/0019-checks-in-plpgsql.md).
test("no check constraint and no generated column calls a function in SQL", async () => {
  const calls = await asOwner`
    SELECT DISTINCT pg_describe_object(classid, objid, 0) AS caller, p.proname
    FROM pg_depend JOIN pg_proc p ON p.oid = refobjid
    WHERE classid IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass) AND refclassid = 'pg_proc'::regclass
      AND p.pronamespace = 'public'::regnamespace AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')`;
  expect(calls).toEqual([]);
});

// Without a search path of its own, a function in PL/pgSQL plans its expressions anew whenever it is called from a
// function that has another one than its last caller. A trigger is called with the same one nearly always, and
// `refuse_probing` only raises.
test("each function in PL/pgSQL has its own search path, but for triggers", async () => {
  const functions = await asOwner`
    SELECT proname AS name FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype
      AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
      AND NOT coalesce(proconfig::text ~ 'search_path=', false)`;
  expect(functions).toEqual([{ name: "refuse_probing" }]);
});
