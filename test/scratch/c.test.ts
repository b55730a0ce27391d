import { expect, test } from "vitest";
import { newAccount, type TestAccount, uniqueName, PASSWORD, withToken } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { holdLock } from "../support/held-lock.ts";
import { withoutRequestDetails } from "../support/problems.ts";
import { newDoctorsAccount, linkDoctor, postMerge, postUnmerge, postRestore, postTransfer, postEmergencyAccess, patientPath, REASON } from "../support/ownership.ts";
import { assignDoctor, newPatient, postDoctor, postPatient, postIdentifierSystem } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const log = (...a: unknown[]) => console.log("@@" + a.map((x) => (typeof x === "string" ? x : JSON.stringify(x))).join(" "));
const s = (a: any) => `${a.status} ${JSON.stringify(a.body)?.slice(0, 300)}`;
const UN = 2_147_483_647;
test("foreign as unknown", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"), o = await newMember(api, two, "manager");
  const sys = await postIdentifierSystem(admin);
  const p = await postPatient(m, { phones: ["+12025550143"], identifiers: [{ system: sys.name, value: "A77" }] });
  const q = await postPatient(m); await postMerge(m, q, p);
  const d = await postPatient(m); await m.delete(patientPath(d));
  const as = await assignDoctor(m, { patient: p });
  const own = await postPatient(o);
  const cmp = async (what: string, f: (id: number) => Promise<any>, ids = [p.id, q.id, d.id]) => {
    const u = withoutRequestDetails(await f(UN));
    for (const id of ids) { const a = withoutRequestDetails(await f(id)); const same = JSON.stringify(a).replaceAll(String(id), "N") === JSON.stringify(u).replaceAll(String(UN), "N"); if (!same) log("DIFF", what, id, JSON.stringify(a.body).slice(0, 200), JSON.stringify(u.body).slice(0, 200)); }
    log("ok", what, u.status);
  };
  for (const path of ["", "history/", "accesses/", "duplicates/"]) await cmp(`GET ${path}`, (id) => o.get(`/api/patients/${id}/${path}`));
  await cmp("GET doctors?patient", (id) => o.get(`/api/doctors/?patient=${id}`));
  await cmp("GET mappings?patient", (id) => o.get(`/api/mappings/?patient=${id}`));
  await cmp("GET mappings?patient ended", (id) => o.get(`/api/mappings/?ended=true&patient=${id}`));
  await cmp("GET mappings/id", (id) => o.get(`/api/mappings/${id}/`));
  await cmp("POST mapping", (id) => o.post(`/api/mappings/`, { patient: id, doctor: as.doctor }));
  await cmp("merge id", (id) => o.post(`/api/patients/${id}/merge/`, { into: own.id }));
  await cmp("merge into", (id) => o.post(`/api/patients/${own.id}/merge/`, { into: id }));
  await cmp("unmerge", (id) => o.post(`/api/patients/${id}/unmerge/`));
  await cmp("restore", (id) => o.post(`/api/patients/${id}/restore/`));
  await cmp("delete", (id) => o.delete(`/api/patients/${id}/`));
  await cmp("transfer", (id) => o.post(`/api/patients/${id}/transfer/`, { to: o.id }));
  await addMember(await newClinic(), o, "manager");
  await cmp("transfer list", async (id) => o.post(`/api/patients/transfer/`, { patients: [id], to: o.id }));
  await cmp("erase", (id) => o.post(`/api/patients/${id}/erase/`, { reason: REASON }));
  await cmp("access", (id) => o.post(`/api/patients/${id}/access/`, { reason: REASON }));
  await cmp("patch mapping", (id) => o.patch(`/api/mappings/${id}/`, { primary: true }), [as.id]);
  await cmp("delete mapping", (id) => o.delete(`/api/mappings/${id}/`), [as.id]);
  await cmp("clinic", (id) => o.get(`/api/clinics/${id}/`), [one, m.id]);
  await cmp("clinic members", (id) => o.get(`/api/clinics/${id}/members/`), [one, m.id]);
  await cmp("clinic patch", (id) => o.patch(`/api/clinics/${id}/`, { name: "x" }), [one, m.id]);
  await cmp("clinic delete", (id) => o.delete(`/api/clinics/${id}/`), [one, m.id]);
  await cmp("member add", (id) => o.post(`/api/clinics/${id}/members/`, { account: o.id, role: "clerk" }), [one, m.id]);
  await cmp("member patch", (id) => o.patch(`/api/clinics/${id}/members/${m.id}/`, { role: "clerk" }), [one]);
  await cmp("member delete", (id) => o.delete(`/api/clinics/${id}/members/${m.id}/`), [one]);
  await cmp("move", (id) => o.post(`/api/auth/clinic/`, { clinic: id }), [one, m.id]);
  await cmp("invite", (id) => o.post(`/api/invitations/`, { email: "x@example.org", role: "clinician", clinic: id, clinic_role: "clerk" }), [one, m.id]);
  for (const q2 of [`email=${p.email}`, `phone=%2B12025550143`, `identifier=${sys.name}:A77`, `search=Ada`, `doctor=${as.doctor}`]) log(q2, s(await o.get(`/api/patients/?${q2}&deleted=false`)).slice(0, 60));
  log("create same", s(await o.post("/api/patients/?duplicates=refuse", { ...newPatient({ email: p.email, phones: ["+12025550143"], identifiers: [{ system: sys.name, value: "A77" }], firstname: "Zed", lastname: "Zed" }) })).slice(0, 100));
  log("idsys", s(await o.get("/api/identifier-systems/")).slice(0, 200));
  log("export", String((await o.get("/api/patients/export/")).body?.id ?? (await o.get("/api/patients/export/")).body).slice(0, 80));
});
test("races", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"); await addMember(two, m, "manager");
  for (const [name, other] of [["merge", (p: any, q: any) => postMerge(m, p, q)], ["delete", (p: any) => m.delete(patientPath(p))], ["transfer", (p: any) => m.post(`${patientPath(p)}transfer/`, { to: m.id })], ["patch", (p: any) => m.patch(patientPath(p), { lastname: "Q" })]] as const) {
    for (const first of [0, 1]) {
      const [p, q] = [await postPatient(m), await postPatient(m)];
      const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [p.id]);
      const list = () => m.post("/api/patients/transfer/", { patients: [p.id, q.id], to: { clinic: two } });
      const f = [list, () => other(p, q)]; if (first) f.reverse();
      const a = f[0]!(); await lock.waiters(1); const b = f[1]!(); await lock.waiters(2); await lock.release();
      log(name, first, s(await a).slice(0, 200), s(await b).slice(0, 200), await asOwner`SELECT id - ${p.id} AS n, owner_id - ${one} AS o, deleted_from - ${one} AS d, merged_into FROM patients WHERE id IN (${p.id}, ${q.id}) ORDER BY id`);
    }
  }
});
test("race: transfer of one while email created in target", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"); await addMember(two, m, "manager"); const o = await newMember(api, two, "clerk");
  const p = await postPatient(m);
  const rs = await Promise.all([m.post("/api/patients/transfer/", { patients: [p.id], to: { clinic: two } }), ...Array.from({ length: 5 }, () => o.post("/api/patients/", newPatient({ email: p.email }))), m.post(`${patientPath(p)}transfer/`, { to: { clinic: two } })]);
  log(rs.map(s).join(" | "));
});
