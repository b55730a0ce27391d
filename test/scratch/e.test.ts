import { expect, test } from "vitest";
import { newAccount, type TestAccount, uniqueName, PASSWORD, withToken, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { holdLock } from "../support/held-lock.ts";
import { newDoctorsAccount, linkDoctor, postMerge, postUnmerge, postRestore, postTransfer, postEmergencyAccess, patientPath, REASON } from "../support/ownership.ts";
import { assignDoctor, newPatient, postDoctor, postPatient, postIdentifierSystem } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const log = (...a: unknown[]) => console.log("@@" + a.map((x) => (typeof x === "string" ? x : JSON.stringify(x))).join(" "));
const s = (a: any) => `${a.status} ${JSON.stringify(a.body)?.slice(0, 300)}`;
test("list cursors across clinics, of all lists", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"); await addMember(two, m, "manager");
  const ps = []; for (let i = 0; i < 3; i++) ps.push(await postPatient(m));
  const d = await postDoctor(m); for (const p of ps) await assignDoctor(m, { patient: p, doctor: d });
  const gone = await postPatient(m); await m.delete(patientPath(gone)); const gone2 = await postPatient(m); await m.delete(patientPath(gone2));
  const as2 = await assignDoctor(m, { patient: ps[0] }); await m.delete(`/api/mappings/${as2.id}/`);const as3 = await assignDoctor(m, { patient: ps[0] }); await m.delete(`/api/mappings/${as3.id}/`);
  const urls = ["/api/patients/?limit=1", "/api/patients/?limit=1&sort=-lastname", "/api/patients/?limit=1&deleted=true", `/api/patients/?limit=1&doctor=${d.id}`, "/api/patients/?limit=1&search=ada", "/api/mappings/?limit=1", "/api/mappings/?limit=1&ended=true", `/api/patients/${ps[0].id}/history/?limit=1`, `/api/patients/${ps[0].id}/accesses/?limit=1`, "/api/clinics/?limit=1", `/api/clinics/${one}/members/?limit=1`, "/api/emergency-accesses/?limit=1"];
  const nexts: string[] = [];
  for (const u of urls) { const r = await m.get(u); nexts.push(/<([^>]*)>; rel="next"/.exec(r.headers.get("Link") ?? "")?.[1] ?? ""); }
  const t = await movedTo(two, m); const own = await postPatient(t);
  for (const [i, n] of nexts.entries()) { if (!n) { log("no next", urls[i]); continue; } const r = await t.get(n); log(urls[i], r.status, Array.isArray(r.body) ? r.body.map((x: any) => x.id ?? x.account) : r.body.code); }
  const other = await newAccount(api); for (const [i, n] of nexts.entries()) if (n) { const r = await other.get(n); log("other account", urls[i], r.status, Array.isArray(r.body) ? r.body.length : r.body.code); }
  const ch = (await t.get("/api/changes/")).body; log("initial feed in two", ch.changes.filter((c: any) => c.kind !== "doctor"), own.id);
});
test("feed after changes", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const m = await newMember(api, one, "manager"); await addMember(two, m, "manager"); const o = await newMember(api, two, "reader");
  const p = await postPatient(m); const c1 = (await m.get("/api/changes/")).body.cursor, c2 = (await o.get("/api/changes/")).body.cursor;
  await m.post(`${patientPath(p)}transfer/`, { to: { clinic: two } });
  await new Promise((r) => setTimeout(r, 50));
  log("one", s(await m.get(`/api/changes/?since=${c1}`)).slice(0, 150), "two", s(await o.get(`/api/changes/?since=${c2}`)).slice(0, 150));
  log("reader's cursor used by another member", s(await m.get(`/api/changes/?since=${c2}`)));
});
test("history content of admin's wide actions", async () => {
  const [a, b] = [await newMember(api, await newClinic(), "manager"), await newMember(api, await newClinic(), "manager")];
  const d = await postDoctor(a), e = await postDoctor(a); const pa = await postPatient(a), pb = await postPatient(b);
  await assignDoctor(a, { patient: pa, doctor: d }); await assignDoctor(b, { patient: pb, doctor: d });
  log(s(await admin.post(`/api/doctors/${d.id}/reassign/`, { to: e.id, reason: REASON })));
  await admin.post("/api/patients/transfer/", { patients: [pa.id, pb.id], to: { clinic: b.clinic }, reason: REASON });
  for (const k of ["history", "accesses"]) log(k, JSON.stringify((await b.get(`${patientPath(pb)}${k}/`)).body));
});
