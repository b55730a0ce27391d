import { expect, test } from "vitest";
import { newAccount, type TestAccount, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount, linkDoctor, postMerge, postUnmerge, postRestore, postTransfer, postEmergencyAccess, patientPath, REASON } from "../support/ownership.ts";
import { assignDoctor, newPatient, postDoctor, postPatient, postIdentifierSystem } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const log = (...a: unknown[]) => console.log("@@" + a.map((x) => (typeof x === "string" ? x : JSON.stringify(x))).join(" "));
const s = (a: any) => `${a.status} ${JSON.stringify(a.body)?.slice(0, 400)}`;
test("zones", async () => {
  const { id } = (await admin.post("/api/clinics/", { name: "N", manager: (await newAccount(api)).id })).body;
  for (const z of ["UTC+3","FOO3","+03:00",""," ","x".repeat(65),"europe/berlin","EUROPE/BERLIN","GMT","EST","EST5EDT","PST8PDT","Etc/GMT+12","GMT+0","GMT-0","GMT0","Etc/GMT-14","Etc/UTC","Zulu","UCT","UTC","utc","Factory","localtime","posixrules","US/Pacific-New","posix/UTC","right/UTC","America/Argentina/Buenos_Aires","America/Ciudad_Juarez","Europe/Kyiv","Asia/Calcutta","MST7MDT","HST","WET","SystemV/EST5","CST6CDT","America/Coyhaique","Antarctica/Troll", null, 5, "Europe/Berlin\u0000", "Europe/Berlin ", "ROC","W-SU","NZ-CHAT","GB-Eire","Asia/Qostanay","Etc/Unknown","ACT","AET","JST","IST","CTT","ECT","SST"]) {
    const a = await admin.patch(`/api/clinics/${id}/`, { time_zone: z });
    if (a.status === 200) { const m = await newMember(api, id, "clerk"); const b = await m.get("/api/patients/"); log("zone", JSON.stringify(z), a.status, a.body.time_zone, b.status); }
    else log("zone", JSON.stringify(z), s(a));
  }
});
test("import etc as a reader", async () => {
  const c = await newClinic(); const clerk = await newMember(api, c, "clerk"); const reader = await newMember(api, c, "reader");
  const p = await postPatient(clerk);
  log("reader POST dup", s(await reader.post("/api/patients/", newPatient({ email: p.email }))));
  log("reader POST dup refuse", s(await reader.post("/api/patients/?duplicates=refuse", newPatient())));
  log("reader POST invalid birth", s(await reader.post("/api/patients/", newPatient({ age: undefined, birth_date: "2999-01-01" }))));
  log("reader PATCH dup", s(await reader.patch(patientPath(p), { email: "x@example.org" }, { headers: { "If-Match": '"9"' } })));
  const line = JSON.stringify(newPatient({ email: p.email })) + "\n";
  for (const q of ["", "?partial=true"]) log("reader import", s(await reader.post(`/api/patients/import/${q}`, line, { headers: { "Content-Type": "application/x-ndjson" } } as any)));
  log("clerk import", s(await clerk.post(`/api/patients/import/?partial=true`, line, { headers: { "Content-Type": "application/x-ndjson" } } as any)));
  const other = await newMember(api, await newClinic(), "clerk");
  log("other clinic import same email", s(await other.post(`/api/patients/import/`, line, { headers: { "Content-Type": "application/x-ndjson" } } as any)));
  log("other not_duplicate_of foreign", s(await other.post("/api/patients/?duplicates=refuse", newPatient({ not_duplicate_of: [p.id, 2147483647] }))));
  log("reader doctor", (await reader.post("/api/doctors/", {firstname:"a",lastname:"b",gender:"U",specialization:"GEN"})).status);
  log("reader export", s(await reader.get("/api/patients/export/")));
  log("clerk assign", s(await clerk.post("/api/mappings/", { patient: p.id, doctor: 2147483647 })));
  log("clerk reassign", s(await clerk.post("/api/doctors/2147483647/reassign/", { to: 2 })));
  log("clerk delete", s(await clerk.delete(patientPath(p))));
  log("clerk merge", s(await clerk.post(`${patientPath(p)}merge/`, { into: 2147483647 })));
});
test("list transfers", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"); await addMember(two, m, "manager");
  const p = await postPatient(m); const q = await postPatient(m);
  log("dups", s(await m.post("/api/patients/transfer/", { patients: [p.id, p.id, q.id, p.id], to: { clinic: two } })));
  log("same", s(await m.post("/api/patients/transfer/", { patients: [p.id, q.id], to: { clinic: two } })));
  log("personal by account", s(await m.post("/api/patients/transfer/", { patients: [p.id, q.id], to: m.id })));
  log("personal by clinic", s(await m.post("/api/patients/transfer/", { patients: [p.id, q.id], to: { clinic: m.id } })));
  log("account and clinic same", s(await admin.post("/api/patients/transfer/", { from: m.id, to: { clinic: m.id }, reason: REASON })));
  log("closed", (await asOwner`UPDATE clinics SET active = false WHERE id = ${two}`) && "", s(await m.post("/api/patients/transfer/", { patients: [p.id], to: { clinic: two } })), s(await admin.post("/api/patients/transfer/", { patients: [p.id], to: { clinic: two }, reason: REASON })));
  const thousand = [p.id, ...Array.from({ length: 999 }, (_, n) => 2147482000 + n)];
  const a = await m.post("/api/patients/transfer/", { patients: thousand, to: { clinic: one } });
  log("thousand", a.status, a.body.transferred, a.body.not_found?.length, a.body.errors);
  log("1001 dup", s(await m.post("/api/patients/transfer/", { patients: Array(1001).fill(p.id), to: { clinic: one } })));
  const dis = await newAccount(api); await asOwner`UPDATE users SET active=false WHERE id=${dis.id}`;
  log("to disabled", s(await admin.post("/api/patients/transfer/", { patients: [p.id], to: dis.id, reason: REASON })), s(await admin.post(`${patientPath(p)}transfer/`, { to: { clinic: dis.id }, reason: REASON })));
});
test("unmerge after transfer", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const a = await newMember(api, one, "clinician"), b = await newMember(api, two, "clinician");
  const sys = await postIdentifierSystem(admin);
  const p = await postPatient(a, { identifiers: [{ system: sys.name, value: "77" }] }), q = await postPatient(a);
  log("merge", (await postMerge(a, p, q, { take: ["identifiers"] })).status);
  const bp = await postPatient(b, { email: p.email });
  log("transfer", s(await admin.post(`${patientPath(q)}transfer/`, { to: { clinic: two }, reason: REASON })));
  log("a unmerge", s(await postUnmerge(a, p)));
  log("a get", s(await a.get(patientPath(p))), s(await a.get(patientPath(q))), s(await a.get(patientPath(p) + "history/")));
  log("b unmerge", s(await postUnmerge(b, p)));
  log("b get", s(await b.get(patientPath(p))));
  log("owners", await asOwner`SELECT id, owner_id FROM patients WHERE id IN (${p.id}, ${q.id})`, await asOwner`SELECT owner_id, system FROM patient_identifiers WHERE patient_id IN (${p.id}, ${q.id})`);
  log("delete clinic one", s(await admin.delete(`/api/clinics/${one}/`)));
});
test("delete of a clinic whose patients were merged", async () => {
  const one = await newClinic(); const m = await newMember(api, one, "manager");
  const p = await postPatient(m), q = await postPatient(m);
  await postMerge(m, p, q);
  await admin.post(`${patientPath(q)}transfer/`, { to: m.id, reason: REASON });
  log("del", s(await m.delete(`/api/clinics/${one}/`)), await asOwner`SELECT id, owner_id, merged_into, deleted_from FROM patients WHERE id IN (${p.id}, ${q.id})`);
});
test("doctor's account who is also a member", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const mo = await newMember(api, one, "manager"), mt = await newMember(api, two, "manager");
  const { account, doctor } = await newDoctorsAccount(mo);
  const p1 = await postPatient(mo), p2 = await postPatient(mt);
  await assignDoctor(mo, { patient: p1, doctor }); const as2 = await assignDoctor(mt, { patient: p2, doctor });
  await addMember(one, account, "clerk");
  for (const k of [0, 1]) { const session = k ? await movedTo(one, account) : account;
    log("in", session.clinic, "list", (await session.get("/api/patients/")).body.map((x: any) => x.id), [p1.id, p2.id]);
    for (const p of [p1, p2]) log(" patch", (await session.patch(patientPath(p), { lastname: "X" })).status, "delete", (await session.delete(patientPath(p))).status, "merge", s(await postMerge(session, p, p1)));
    log(" mapping", (await session.patch(`/api/mappings/${as2.id}/`, { role: "covering" })).status, (await session.get("/api/mappings/")).body.length, (await session.get(`/api/patients/export/`)).body?.toString().split("\n").length);
    log(" dup", s(await session.get(patientPath(p2) + "duplicates/")));
    log(" changes", (await session.get("/api/changes/")).body.changes.filter((c: any) => c.kind !== "doctor").length);
  }
});
