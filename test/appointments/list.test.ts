import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { bookablePair, insertAppointment, setSchedule } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postEmergencyAccess } from "../support/ownership.ts";
import { bothDirections, idsOf, nextOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { booked, daysFromNow, list, minutesAfter, pathOf } from "./support.ts";

const clinic = await newClinic();
const nurse = await newMember((await newAccount()).api, clinic, "clinician");
const first = await bookablePair(nurse);
const second = await bookablePair(nurse);
const nine = `${daysFromNow(3)}T09:00:00.000Z`;
const at = (minutes: number) => minutesAfter(nine, minutes);

// The ids are in another order than the times; two are at the same time.
const late = await booked(nurse, first, at(60));
const early = await booked(nurse, first, nine);
const same = await booked(nurse, second, nine);
const last = await booked(nurse, second, at(90));
const cancelled = await booked(nurse, second, at(120));
await nurse.patch(pathOf(cancelled), { status: "cancelled" });
const all = [early, same, late, last, cancelled].map(({ id }) => Number(id));
const [e, s, l, t, c] = all as [number, number, number, number, number];

test.each([
  ["", [e, s, l, t, c]],
  ["sort=starts_at", [e, s, l, t, c]],
  ["sort=-starts_at", [c, t, l, s, e]],
  ["sort=id", all.toSorted((a, b) => a - b)],
  [`from=${at(60)}`, [l, t, c]],
  [`to=${at(60)}`, [e, s]],
  [`from=${at(0)}&to=${at(90)}`, [e, s, l]],
  [`from=${at(0)}&to=${at(90)}&sort=-starts_at`, [l, s, e]],
  [`from=${at(0)}&to=${at(0)}`, []],
  [`from=${at(1)}&to=${at(90)}&sort=id`, [l]],
  ["status=cancelled", [c]],
  [`status=booked&from=${at(60)}`, [l, t]],
  [`doctor=${first.doctor.id}`, [e, l]],
  [`doctor=${second.doctor.id}&sort=-starts_at&to=${at(120)}`, [t, s]],
  [`doctor=${second.doctor.id}&status=booked&sort=-id`, [t, s]],
  [`patient=${first.patient.id}&sort=-starts_at`, [l, e]],
  [`patient=${first.patient.id}&sort=id`, [l, e]],
  [`patient=${first.patient.id}&from=${at(1)}`, [l]],
  [`patient=${first.patient.id}&doctor=${second.doctor.id}`, []],
])("?%s lists these appointments, in pages of any size", async (query, expected) => {
  const ids: number[] = [];
  for await (const page of pagesFrom(nurse, `${list}?limit=1&${query}`)) ids.push(...idsOf(page));
  expect(ids).toEqual(expected);
  expect(idsOf(await nurse.get(`${list}?${query}`))).toEqual(expected);
});

test("a cursor alone goes on in the order of its list; the list is audited with its patients", async () => {
  for (const [query, expected] of bothDirections("sort=starts_at", all)) {
    const page = await nurse.get(`${list}?limit=2&${query}`);
    const cursor = new URL(String(nextOf(page)), "https://api.example").searchParams.get("cursor");
    expect(idsOf(await nurse.get(`${list}?cursor=${cursor}`))).toEqual(expected.slice(2));
  }
  const patients = [first.patient.id, second.patient.id];
  const answer = await nurse.get(list);
  expect(answer.body[0]).toEqual(early);
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "list", outcome: "done", patients }]);
});

test.each([
  ["from=2026-11-26", "from"],
  [`from=${at(1)}&to=${at(0)}`, "to"],
  ["status=late", "status"],
  ["sort=day", "sort"],
  ["day=2026-11-26", "day"],
])("?%s returns 400 that names the parameter", async (query, name) => {
  expect(await nurse.get(`${list}?${query}`)).toEqual(fieldProblem(name));
});

test("a doctor's own account lists its own appointments of all clinics, and those of its clinic's patients", async () => {
  const doctor = await newAccount();
  await asOwner`UPDATE users SET doctor_id = ${first.doctor.id} WHERE id = ${doctor.id}`;
  expect(idsOf(await doctor.get(list))).toEqual([e, l]);
  const patient = await postPatient(doctor);
  const other = await postDoctor(doctor);
  await setSchedule(other);
  await assignDoctor(doctor, { patient, doctor: other });
  const own = await booked(doctor, { patient: { id: patient.id }, doctor: { id: other.id } }, at(30));
  expect(idsOf(await doctor.get(list))).toEqual([e, own.id, l]);
  expect(idsOf(await doctor.get(`${list}?doctor=${first.doctor.id}`))).toEqual([e, l]);
  expect(idsOf(await doctor.get(`${list}?doctor=${other.id}`))).toEqual([own.id]);
  expect(idsOf(await doctor.get(`${list}?patient=${second.patient.id}`))).toEqual([]);
});

test("others list none, by no filter; with an emergency access those of the patient, by the filter patient", async () => {
  const [admin, reader] = [
    await newAccount(undefined, "admin"),
    await newMember(nurse.api, clinic, "reader"),
  ];
  const byPatient = `${list}?patient=${first.patient.id}`;
  for (const query of [list, byPatient, `${list}?doctor=${first.doctor.id}`])
    expect(idsOf(await admin.get(query))).toEqual([]);
  await postEmergencyAccess(admin, first.patient);
  expect(idsOf(await admin.get(byPatient))).toEqual([e, l]);
  expect(idsOf(await admin.get(list))).toEqual([]);
  expect(idsOf(await reader.get(list))).toEqual(all);
});

test("appointments of a deleted patient are in no list, and are 404", async () => {
  const account = await newAccount();
  const { patient, doctor } = await bookablePair(account);
  const id = await insertAppointment(patient, doctor, { hours: -30, status: "fulfilled" });
  await account.delete(patientPath(patient));
  for (const query of ["", `patient=${patient.id}`, `doctor=${doctor.id}`])
    expect((await account.get(`${list}?${query}`)).body).toEqual([]);
  expect((await account.get(pathOf({ id }))).status).toBe(404);
});
