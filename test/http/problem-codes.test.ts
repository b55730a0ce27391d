import { expect, inject, test } from "vitest";
import { type ProblemCode, problemStatuses } from "../../src/http/problem-codes.ts";
import { postFeed } from "../calendar-feeds/requests.ts";
import { exported, imported } from "../patients/files.ts";
import {
  insertRefreshToken,
  mintToken,
  newAccount,
  type TestAccount,
  tokenClaims,
  uniqueName,
  withToken,
} from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { assignedPair, hoursFromNow, insertAppointment } from "../support/appointments.ts";
import { addMember, endMembership, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import {
  newDoctorsAccount,
  patientPath,
  postEmergencyAccess,
  postErase,
  postMerge,
  postRestore,
  postTransfer,
  postUnmerge,
} from "../support/ownership.ts";
import {
  assignDoctor,
  newPatient,
  newSystemName,
  postDoctor,
  postIdentifierSystem,
  postPatient,
} from "../support/resources.ts";

const api = connectApi();
const [nurse, other, admin, auditor] = await Promise.all([
  newAccount(api),
  newAccount(api),
  newAccount(api, "admin"),
  newAccount(api, "auditor"),
]);
const doctorPath = ({ id }: { id: number }) => `/api/doctors/${id}/`;
const registration = () => ({
  username: uniqueName("user-"),
  email: "new@example.org",
  password: "correct horse battery",
});
const postRaw = (raw: BodyInit) =>
  nurse.post("/api/patients/", undefined, { raw, headers: { "Content-Type": "application/json" } });
const exhausted = { limit: async () => ({ success: false }) };

/** The answer to a request whose statement fails in PostgreSQL with this code. */
async function withDatabaseError(code: string): Promise<ApiResponse> {
  const account = await newAccount();
  await account.api.disturbDatabase({ fault: "sqlstate", code });
  return account.get("/api/auth/me/");
}

async function withKey(body: object, key: string): Promise<ApiResponse> {
  return nurse.post("/api/patients/", body, { headers: { "Idempotency-Key": key } });
}

/** The identifiers of a new patient, in a system of their own. */
async function newIdentifiers(account: TestAccount) {
  const { name } = await postIdentifierSystem(admin);
  const identifiers = [{ system: String(name), value: uniqueName("id-") }];
  await postPatient(account, { identifiers });
  return { identifiers };
}

/** A deleted patient, whose assigned doctor was deleted after it. */
async function patientOfDeletedDoctor() {
  const [patient, doctor] = [await postPatient(nurse), await postDoctor(nurse)];
  await assignDoctor(nurse, { patient, doctor });
  await nurse.delete(patientPath(patient));
  await nurse.delete(doctorPath(doctor));
  return patient;
}

/** A request for each code. The test of admins who disable themselves at once has the one for `last_admin`. */
const requests: Record<Exclude<ProblemCode, "last_admin">, () => Promise<ApiResponse>> = {
  validation_failed: () => nurse.post("/api/patients/", {}),
  invalid_json: () => postRaw("{"),
  invalid_utf8: () => postRaw(new Uint8Array([0x22, 0xff, 0x22])),
  duplicate_key: () => postRaw('{"age": 1, "age": 2}'),
  body_missing: () => nurse.post("/api/patients/"),
  no_records: () => imported(nurse, "\n"),
  token_missing: () => api.get("/api/auth/me/"),
  token_invalid: () => api.get("/api/auth/me/", { token: "nonsense" }),
  token_expired: async () =>
    api.get("/api/auth/me/", { token: await mintToken({ exp: tokenClaims().iat - 1 }) }),
  clinic_changed: async () => {
    const account = await newMember(api, await newClinic(), "clerk");
    return (await withToken(account, {})).get("/api/patients/");
  },
  clinic_role_required: async () =>
    (await newMember(api, await newClinic(), "reader")).post("/api/patients/", newPatient()),
  membership_ended: async () => {
    const clinic = await newClinic();
    const account = await newMember(api, clinic, "clerk");
    await endMembership(clinic, account);
    return account.get("/api/patients/");
  },
  last_manager: async () => {
    const manager = await newAccount(api);
    await addMember(await newClinic(), manager, "manager");
    return admin.patch(`/api/accounts/${manager.id}/`, { active: false });
  },
  own_membership: async () =>
    admin.post(`/api/clinics/${await newClinic()}/members/`, { account: admin.id, role: "reader" }),
  clinic_not_empty: async () => {
    const clinic = await newClinic();
    const manager = await newMember(api, clinic, "manager");
    await postPatient(manager);
    return manager.delete(`/api/clinics/${clinic}/`);
  },
  personal_clinic: () => nurse.delete(`/api/clinics/${nurse.id}/`),
  token_revoked: async () => api.get("/api/auth/me/", { token: await mintToken({ sub: "2147483647" }) }),
  invalid_credentials: () => api.post("/api/auth/login/", { username: nurse.username, password: "wrong" }),
  refresh_token_invalid: async () => {
    const refresh = await insertRefreshToken(other);
    await asOwner`UPDATE sessions SET ended_at = now() WHERE user_id = ${other.id} AND id <> ${other.sid}::uuid`;
    return api.post("/api/auth/refresh/", { refresh });
  },
  password_change_required: async () => {
    const { id, sid } = await newAccount(api);
    await asOwner`UPDATE users SET must_change_password = true WHERE id = ${id}`;
    const token = await mintToken({ sub: String(id), sid, must_change_password: true });
    return api.get("/api/patients/", { token });
  },
  auditor_read_only: () => auditor.get("/api/patients/"),
  admin_required: () => nurse.get("/api/invitations/"),
  admin_or_auditor_required: () => nurse.get("/api/accounts/"),
  own_account: async () => {
    const { id } = await postDoctor(admin);
    return admin.patch(`/api/accounts/${admin.id}/`, { doctor: id, reason: "My own doctor's account." });
  },
  not_patient_owner: async () => {
    const patient = await postPatient(nurse);
    await postEmergencyAccess(admin, patient);
    return admin.patch(patientPath(patient), { age: 40 });
  },
  not_appointment_owner: async () => {
    const { patient, doctor } = await assignedPair(nurse);
    const id = await insertAppointment(patient, doctor);
    await postEmergencyAccess(admin, patient);
    return admin.patch(`/api/appointments/${id}/`, { note: "x" });
  },
  not_bookable: async () => {
    const { patient, doctor } = await assignedPair(nurse);
    const body = { patient: patient.id, doctor: doctor.id, starts_at: hoursFromNow(24) };
    return nurse.post("/api/appointments/", body);
  },
  invalid_transition: async () => {
    const { patient, doctor } = await assignedPair(nurse);
    const id = await insertAppointment(patient, doctor, { status: "cancelled" });
    return nurse.patch(`/api/appointments/${id}/`, { status: "booked" });
  },
  not_doctor_creator: async () => other.delete(doctorPath(await postDoctor(nurse))),
  doctor_relied_on: async () => {
    const { doctor } = await newDoctorsAccount(nurse);
    return nurse.patch(doctorPath(doctor), { firstname: "Lisa" });
  },
  registration_closed: () =>
    connectApi({ REGISTRATION: "closed" }).post("/api/auth/register/", registration()),
  no_such_route: () => nurse.get("/api/patience/"),
  not_found: () => nurse.get("/api/patients/2147483647/"),
  method_not_allowed: () => nurse.delete("/api/patients/"),
  not_acceptable: () => exported(nurse, "image/png"),
  write_conflict: () => withDatabaseError("40P01"),
  email_taken: async () =>
    nurse.post("/api/patients/", newPatient({ email: (await postPatient(nurse)).email })),
  receiver_has_email: async () => {
    const patient = await postPatient(nurse);
    await postPatient(other, { email: patient.email });
    return postTransfer(admin, patient, other);
  },
  patient_not_deleted: async () => postErase(admin, await postPatient(nurse)),
  username_taken: () => api.post("/api/auth/register/", { ...registration(), username: nurse.username }),
  possible_duplicate: async () => {
    await postPatient(nurse);
    return nurse.post("/api/patients/?duplicates=refuse", newPatient());
  },
  identifier_taken: async () => nurse.post("/api/patients/", newPatient(await newIdentifiers(nurse))),
  receiver_has_identifier: async () => {
    const identifiers = await newIdentifiers(nurse);
    const patient = (await nurse.get(`/api/patients/?identifier=${identifiers.identifiers[0]?.value}`))
      .body[0];
    await postPatient(other, identifiers);
    return postTransfer(admin, patient, other);
  },
  identifier_system_used: async () => {
    const { identifiers } = await newIdentifiers(nurse);
    const [{ id } = {}] =
      await asOwner`SELECT id FROM identifier_systems WHERE name = ${identifiers[0]?.system}`;
    return admin.patch(`/api/identifier-systems/${id}/`, { name: newSystemName() });
  },
  identifier_system_taken: async () => {
    const { name } = await postIdentifierSystem(admin);
    return admin.post("/api/identifier-systems/", { name });
  },
  already_assigned: async () => {
    const { patient, doctor } = await assignDoctor(nurse);
    return nurse.post("/api/mappings/", { patient, doctor });
  },
  doctor_has_patients: async () => {
    const { doctor } = await assignDoctor(nurse);
    return nurse.delete(doctorPath({ id: doctor }));
  },
  doctor_has_appointments: async () => {
    const { patient, doctor, assignment } = await assignedPair(nurse);
    await insertAppointment(patient, doctor, { status: "cancelled" });
    await nurse.delete(`/api/mappings/${assignment.id}/`);
    return nurse.delete(doctorPath(doctor));
  },
  open_appointments: async () => {
    const { patient, doctor, assignment } = await assignedPair(nurse);
    await insertAppointment(patient, doctor);
    return nurse.delete(`/api/mappings/${assignment.id}/`);
  },
  appointments_overlap: async () => {
    const [one, two] = [await assignedPair(nurse), await assignedPair(nurse)];
    await insertAppointment(one.patient, one.doctor);
    await insertAppointment(two.patient, two.doctor);
    return postMerge(nurse, one.patient, two.patient);
  },
  doctor_deleted: async () => postRestore(nurse, await patientOfDeletedDoctor()),
  too_many_feeds: async () => {
    const account = await newAccount(api);
    for (let count = 0; count < 20; count += 1) await postFeed(account);
    return account.post("/api/calendar-feeds/", { label: "North" });
  },
  invitation_unusable: async () => {
    const { token } = await newAccount(api, "admin");
    const invitation = { email: "new@example.org", role: "clinician" };
    return connectApi({ REGISTRATION: "closed" }).post("/api/invitations/", invitation, { token });
  },
  replay_unreadable: async () => {
    const [body, key] = [newPatient(), uniqueName("key-")];
    await nurse.delete(patientPath((await withKey(body, key)).body));
    return withKey(body, key);
  },
  not_merged: async () => postUnmerge(nurse, await postPatient(nurse)),
  survivor_merged: async () => {
    const [one, two] = [await postPatient(nurse), await postPatient(nurse)];
    await postMerge(nurse, one, two);
    await postMerge(nurse, two, await postPatient(nurse));
    return postUnmerge(nurse, one);
  },
  unmerge_expired: async () => {
    const patient = await postPatient(nurse);
    await postMerge(nurse, patient, await postPatient(nurse));
    await asOwner`UPDATE patient_merges SET at = at - interval '30 days' WHERE merged_id = ${patient.id}`;
    return postUnmerge(nurse, patient);
  },
  merge_exceeds_limit: async () => {
    const phones = (digit: number) => [1, 2, 3].map((n) => `+49301234${digit}${n}`);
    const patient = await postPatient(nurse, { phones: phones(1) });
    return postMerge(nurse, patient, await postPatient(nurse, { phones: phones(2) }));
  },
  merged: async () => {
    const [patient, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await postMerge(nurse, patient, survivor);
    return nurse.get(patientPath(patient));
  },
  cursor_expired: async () => {
    const account = await newAccount();
    const { body } = await account.get("/api/changes/");
    await asOwner`UPDATE users SET doctor_id = ${(await postDoctor(account)).id} WHERE id = ${account.id}`;
    return account.get(`/api/changes/?since=${body.cursor}`);
  },
  precondition_failed: async () =>
    nurse.patch(patientPath(await postPatient(nurse)), { age: 40 }, { headers: { "If-Match": '"2"' } }),
  body_too_large: () => nurse.post("/api/patients/", { firstname: "x".repeat(65_536) }),
  too_many_records: () => imported(nurse, "{}\n".repeat(1001)),
  unsupported_content_encoding: () =>
    nurse.post("/api/patients/", {}, { headers: { "Content-Encoding": "gzip" } }),
  unsupported_media_type: () => nurse.post("/api/patients/", undefined, { raw: "{}" }),
  idempotency_key_reused: async () => {
    const key = uniqueName("key-");
    await withKey(newPatient(), key);
    return withKey(newPatient(), key);
  },
  precondition_required: async () => {
    const patient = await postPatient(nurse);
    const { token } = nurse;
    return connectApi({ REQUIRE_IF_MATCH: "true" }).patch(patientPath(patient), { age: 40 }, { token });
  },
  rate_limited: () => connectApi({ REFRESH_LIMITER: exhausted }).post("/api/auth/refresh/", { refresh: "x" }),
  locked_out: async () => {
    const stranger = connectApi();
    const attempt = { username: uniqueName("user-"), password: "wrong" };
    await stranger.post("/api/auth/login/", attempt);
    await asOwner`
      UPDATE login_attempts SET blocked_until = now() + interval '1 hour' WHERE username = ${attempt.username}`;
    return stranger.post("/api/auth/login/", attempt);
  },
  probing: () => withDatabaseError("HP429"),
  internal_error: () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/"),
  database_unavailable: () => withDatabaseError("57P01"),
  database_busy: () => withDatabaseError("55P03"),
};

test.each(Object.entries(requests))("%s is the code of an error", async (code, send) => {
  const { status, body } = await send();
  expect([status, body.code]).toEqual([problemStatuses[code as ProblemCode], code]);
});

const document = inject("openApiDocument");

test("the document has each code for the responses of an operation, but those that belong to none", () => {
  const text = JSON.stringify([document.paths, document.components.responses]);
  const missing = Object.keys(problemStatuses).filter((code) => !text.includes(`"${code}"`));
  expect(missing).toEqual(["no_such_route", "method_not_allowed"]);
});
