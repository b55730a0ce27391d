import { afterAll, describe, expect, test } from "vitest";
import { createClient, type Slot } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newDoctor, newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

/** Always, in UTC. */
const schedule = {
  time_zone: "UTC",
  slot_minutes: 60,
  hours: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, from: "00:00", to: "24:00" })),
};

/** A patient, and an assigned doctor who can be booked at any time. */
async function bookablePair() {
  const [patient, doctor] = [await api.patients.create(newPatient()), await api.doctors.create(newDoctor())];
  await api.assignments.create({ patient: patient.id, doctor: doctor.id });
  await api.doctors.schedule.put(doctor.id, schedule);
  return { patient: patient.id, doctor: doctor.id };
}

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];
/** The midnight in UTC after tomorrow. */
const midnight = (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS;
const hourOfDay = (hour: number) => new Date(midnight + hour * HOUR_MS).toISOString();
const dayAfter = (days: number) => hourOfDay(24 * days).slice(0, 10);

describe("appointments", () => {
  test("create, get, list and update; a PATCH with a stale ifMatch throws 412", async () => {
    const pair = await bookablePair();
    const booked = await api.appointments.create({ ...pair, starts_at: hourOfDay(9), note: "First visit" });
    expect(booked).toMatchObject({ ...pair, status: "booked", ends_at: hourOfDay(10), version: 1 });
    expect(await api.appointments.get(booked.id, { ifNoneMatch: booked })).toBe(booked);
    const moved = await api.appointments.update(booked.id, { starts_at: hourOfDay(11) }, { ifMatch: booked });
    expect(moved).toMatchObject({ starts_at: hourOfDay(11), note: "First visit", version: 2 });
    const stale = api.appointments.update(booked.id, { note: null }, { ifMatch: booked });
    await expect(stale).rejects.toMatchObject({ status: 412 });
    const from = hourOfDay(0);
    expect(await api.appointments.list({ ...pair, status: "booked", from }).toArray()).toEqual([moved]);
  });

  test("create for a time that is taken throws not_bookable with rules and nextFree", async () => {
    const pair = await bookablePair();
    await api.appointments.create({ ...pair, starts_at: hourOfDay(9) });
    const taken = api.appointments.create({ ...pair, starts_at: hourOfDay(9), minutes: 30 });
    await expect(taken).rejects.toMatchObject({
      status: 409,
      code: "not_bookable",
      rules: ["doctor_busy", "patient_busy"],
      nextFree: [
        { starts_at: hourOfDay(10), ends_at: hourOfDay(10.5) },
        { starts_at: hourOfDay(11), ends_at: hourOfDay(11.5) },
        { starts_at: hourOfDay(12), ends_at: hourOfDay(12.5) },
      ],
    });
  });

  test("cancel with a stale ifMatch throws 412; with the current one it cancels; a second one throws appointmentStatus", async () => {
    const booked = await api.appointments.create({ ...(await bookablePair()), starts_at: hourOfDay(9) });
    const current = await api.appointments.update(booked.id, { note: "Brings the results." });
    await expect(api.appointments.cancel(booked.id, "Ill", { ifMatch: booked })).rejects.toMatchObject({
      status: 412,
    });
    expect(await api.appointments.cancel(booked.id, "Ill", { ifMatch: current })).toMatchObject({
      ...{ status: "cancelled", cancel_reason: "Ill", version: 3 },
    });
    await expect(api.appointments.cancel(booked.id)).rejects.toMatchObject({
      code: "invalid_transition",
      appointmentStatus: "cancelled",
    });
  });

  test("a booking, a move with another offset and a cancellation whose answers are lost are sent again and done once", async () => {
    const pair = await bookablePair();
    const gateway = await openGateway(
      served.origin,
      "drop-after",
      "pass",
      "drop-after",
      "pass",
      "pass",
      "drop-after",
    );
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
    const booked = await client.appointments.create({ ...pair, starts_at: hourOfDay(9) });
    const startsAt = hourOfDay(13).replace(".000Z", "+02:00");
    const changes = { starts_at: startsAt, minutes: 20, note: " Later " };
    const moved = await client.appointments.update(booked.id, changes, { ifMatch: booked });
    expect(moved).toMatchObject({ starts_at: hourOfDay(11), note: "Later", version: 2 });
    const cancelled = await client.appointments.cancel(booked.id, undefined, { ifMatch: moved });
    expect(cancelled).toMatchObject({ status: "cancelled", cancel_reason: null, version: 3 });
    expect(gateway.requests).toHaveLength(2 + 3 + 3);
    expect(await api.appointments.list({ patient: pair.patient }).toArray()).toEqual([cancelled]);
  });

  test("a move whose answer is lost throws 412 when another client has moved the appointment first", async () => {
    const booked = await api.appointments.create({ ...(await bookablePair()), starts_at: hourOfDay(9) });
    const gateway = await openGateway(served.origin, "drop-before");
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
    await api.appointments.update(booked.id, { starts_at: hourOfDay(11), minutes: 20 });
    const late = client.appointments.update(
      booked.id,
      { starts_at: hourOfDay(11), minutes: 30 },
      { ifMatch: booked },
    );
    await expect(late).rejects.toMatchObject({ status: 412 });
  });
});

describe("slots", () => {
  test("doctors.slots yields the slots of all pages, in order; pages has time_zone and minutes", async () => {
    const { patient, doctor } = await bookablePair();
    await api.appointments.create({ patient, doctor, starts_at: hourOfDay(5) });
    const searches: string[] = [];
    const onRequest = ({ url }: { url: string }) => searches.push(new URL(url).search);
    const query = { from: dayAfter(0), to: dayAfter(1), patient, limit: 20 };
    const slots: Slot[] = [];
    for await (const slot of api.doctors.slots(doctor, query, { onRequest })) slots.push(slot);
    const free = Array.from({ length: 48 }, (_, hour) => hour).filter((hour) => hour !== 5);
    expect(slots).toEqual(
      free.map((hour) => ({
        ...{ starts_at: hourOfDay(hour), ends_at: hourOfDay(hour + 1) },
        day: hourOfDay(hour).slice(0, 10),
      })),
    );
    expect(searches.map((search) => new URLSearchParams(search).get("after"))).toEqual([
      null,
      hourOfDay(21),
      hourOfDay(41),
    ]);
    const pages = await Array.fromAsync(api.doctors.slots(doctor, { ...query, minutes: 30 }).pages());
    expect(pages.map(({ time_zone, minutes, slots }) => [time_zone, minutes, slots.length])).toEqual([
      ["UTC", 30, 20],
      ["UTC", 30, 20],
      ["UTC", 30, 7],
    ]);
    expect(await api.doctors.slots(doctor, query).toArray({ max: 21 })).toEqual(slots.slice(0, 21));
    expect(await api.doctors.slots(doctor, query).first()).toEqual(slots[0]);
  });

  test("doctors.slots of a doctor without a schedule yields nothing, and pages one page without a time zone", async () => {
    const { id } = await api.doctors.create(newDoctor());
    const slots = api.doctors.slots(id, { from: dayAfter(0), to: dayAfter(0) });
    expect(await Array.fromAsync(slots)).toEqual([]);
    expect(await Array.fromAsync(slots.pages())).toEqual([
      { doctor: id, time_zone: null, minutes: null, slots: [] },
    ]);
  });

  test.each(["{}", "null", "[]"])("doctors.slots throws a ProblemError when a page is %s", async (body) => {
    const gateway = await openGateway(served.origin, { status: 200, body });
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { attempts: 1 } });
    const slots = client.doctors.slots(1, { from: dayAfter(0), to: dayAfter(0) });
    await expect(slots.first()).rejects.toMatchObject({
      status: 200,
      detail: "The response is not from the API.",
    });
  });

  test("slots returns the first three slots of the doctors who are free earliest", async () => {
    // No other test of this database gives pediatricians hours.
    const { id } = await api.doctors.create({ ...newDoctor(), specialization: "PED" });
    await api.doctors.schedule.put(id, schedule);
    const query = { from: dayAfter(0), to: dayAfter(0), minutes: 60, specialization: "PED" } as const;
    expect(await api.slots(query)).toMatchObject([
      { doctor: id, time_zone: "UTC", slots: [0, 1, 2].map((hour) => ({ starts_at: hourOfDay(hour) })) },
    ]);
  });
});

describe("schedules and absences", () => {
  test("doctors.schedule: put creates and replaces, get reads; a stale ifMatch and ifNoneMatch: * throw 412", async () => {
    const { id } = await api.doctors.create(newDoctor());
    await expect(api.doctors.schedule.get(id)).rejects.toMatchObject({ status: 404 });
    const created = await api.doctors.schedule.put(id, schedule, { ifNoneMatch: "*" });
    expect(created).toMatchObject({ doctor: id, ...schedule, version: 1 });
    expect(await api.doctors.schedule.get(id, { ifNoneMatch: created })).toBe(created);
    const shorter = { ...schedule, slot_minutes: 20 };
    const outdated = { status: 412, code: "precondition_failed" };
    await expect(api.doctors.schedule.put(id, shorter, { ifNoneMatch: "*" })).rejects.toMatchObject(outdated);
    const replaced = await api.doctors.schedule.put(id, shorter, { ifMatch: created });
    await expect(api.doctors.schedule.put(id, schedule, { ifMatch: created })).rejects.toMatchObject(
      outdated,
    );
    expect(await api.doctors.schedule.get(id)).toEqual(replaced);
  });

  test("a schedule that is created with ifNoneMatch: * and whose answer is lost is sent again and returned", async () => {
    const { id } = await api.doctors.create(newDoctor());
    const gateway = await openGateway(served.origin, "drop-after");
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
    const created = await client.doctors.schedule.put(id, schedule, { ifNoneMatch: "*" });
    expect(created).toMatchObject({ doctor: id, version: 1 });
    expect(gateway.requests).toHaveLength(3);
  });

  test("an absence over an appointment throws open_appointments with its id, unless existing is keep; absences are listed, read and deleted", async () => {
    const pair = await bookablePair();
    const { id } = await api.appointments.create({ ...pair, starts_at: hourOfDay(9) });
    const absence = { starts_at: hourOfDay(0), ends_at: hourOfDay(24) };
    await expect(api.doctors.absences.create(pair.doctor, absence)).rejects.toMatchObject({
      ...{ status: 409, code: "open_appointments", appointments: [id], others: 0 },
    });
    const created = await api.doctors.absences.create(pair.doctor, { ...absence, existing: "keep" });
    expect(await api.doctors.absences.list(pair.doctor).toArray()).toEqual([created]);
    expect(await api.absences.get(created.id)).toEqual(created);
    await api.absences.delete(created.id);
    expect(await api.doctors.absences.list(pair.doctor).first()).toBeUndefined();
  });

  test("an absence whose answer is lost is sent again and created once", async () => {
    const { id } = await api.doctors.create(newDoctor());
    const gateway = await openGateway(served.origin, "drop-after");
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
    const absence = { starts_at: hourOfDay(0), ends_at: hourOfDay(24) };
    const created = await client.doctors.absences.create(id, absence);
    expect(await api.doctors.absences.list(id).toArray()).toEqual([created]);
    expect(gateway.requests).toHaveLength(2);
  });
});

test("calendarFeeds: create returns an address that serves the calendar until delete; list shows feeds without it", async () => {
  const { url, ...feed } = await api.calendarFeeds.create({ label: "North Street" });
  expect(await api.calendarFeeds.list({ sort: "-id" }).first()).toEqual(feed);
  expect((await fetch(url)).headers.get("Content-Type")).toMatch("text/calendar");
  await api.calendarFeeds.delete(feed.id);
  expect((await fetch(url)).status).toBe(404);
});

test("a calendar feed whose answer is lost is not created again", async () => {
  const account = await signUp(served.origin);
  const gateway = await openGateway(served.origin, "drop-after");
  const client = createClient({ url: gateway.origin, tokens: account.tokens });
  await expect(client.calendarFeeds.create({ label: "North" })).rejects.toMatchObject({ status: 0 });
  expect(await account.calendarFeeds.list().toArray()).toHaveLength(1);
});
