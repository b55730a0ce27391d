import ICAL from "ical.js";
import { expect, test } from "vitest";
import { escapeText } from "../../src/calendar-feeds/icalendar.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { assignedPair, hoursFromNow, insertAppointment } from "../support/appointments.ts";
import { auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner } from "../support/owner.ts";
import { linkDoctor, patientPath } from "../support/ownership.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { postFeed } from "./requests.ts";

const api = connectApi();
const DAY_HOURS = 24;

/** The calendar in a response, read by a public parser. */
const parse = ({ body }: ApiResponse) => new ICAL.Component(ICAL.parse(body));
const eventsOf = (answer: ApiResponse) =>
  parse(answer)
    .getAllSubcomponents("vevent")
    .map((component) => new ICAL.Event(component));
/** The ids of the appointments in a response, in order. */
const idsIn = (answer: ApiResponse) =>
  eventsOf(answer).map(({ uid }) => Number(/^appointment-(\d+)@api\.test$/.exec(uid)?.[1]));

/** An account, a doctor of its own and the feed of one of them. */
async function subscriberOf(kind: "clinic" | "doctor") {
  const account = await newAccount(api);
  const pair = await assignedPair(account);
  await linkDoctor(account, pair.doctor);
  const feed = await postFeed(account, kind === "doctor" ? { doctor: pair.doctor.id } : {});
  return { account, ...pair, feed };
}

test("a calendar has the times, the status and the version of each appointment, and no names", async () => {
  const account = await newAccount(api);
  const { patient, doctor } = await assignedPair(account);
  const booked = await insertAppointment(patient, doctor, { hours: 24 });
  const cancelled = await insertAppointment(patient, doctor, { hours: 48 });
  await asOwner`
    UPDATE appointments SET status = 'cancelled', cancel_reason = 'Ada is ill', version = 3, updated_at = '2026-11-26T09:30:00.000Z'
    WHERE id = ${cancelled}`;
  const rows = await asOwner`
    SELECT starts_at, ends_at FROM appointments WHERE id = ANY (${[booked, cancelled]}::int[]) ORDER BY id`;
  const { path } = await postFeed(account);
  const answer = await api.get(path);

  const text = String(answer.body);
  expect(text).not.toMatch(/Ada|Lovelace|House|[^\r]\n|\r(?!\n)/);
  expect(text.endsWith("END:VCALENDAR\r\n")).toBe(true);
  const [first, second] = eventsOf(answer);
  expect([first, second].map((event) => [event?.startDate.toJSDate(), event?.endDate.toJSDate()])).toEqual(
    rows.map((row) => [new Date(row["starts_at"]), new Date(row["ends_at"])]),
  );
  expect(first?.uid).toBe(`appointment-${booked}@api.test`);
  expect(first?.component.getFirstPropertyValue("status")).toBe("CONFIRMED");
  expect([first?.summary, first?.sequence]).toEqual([`Appointment ${booked}`, 0]);

  expect(second?.uid).toBe(`appointment-${cancelled}@api.test`);
  const values = Object.fromEntries(
    (second?.component.getAllProperties() ?? []).map((property) => [property.name, property.getFirstValue()]),
  );
  expect(values).toMatchObject({ status: "CANCELLED", transp: "TRANSPARENT", class: "PRIVATE", sequence: 2 });
  expect([String(values["dtstamp"]), String(values["last-modified"])]).toEqual(
    Array(2).fill("2026-11-26T09:30:00Z"),
  );
});

test("the label is the name of the calendar, with long lines folded and special characters escaped", async () => {
  const account = await newAccount(api);
  const label = `Ärztehaus; "Süd", 1\\2\n${"日本🗓".repeat(20)}`;
  const answer = await api.get((await postFeed(account, { label })).path);
  for (const line of String(answer.body).split("\r\n"))
    expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
  const calendar = parse(answer);
  // The parser knows neither property, so it leaves the escapes.
  for (const name of ["name", "x-wr-calname"])
    expect(calendar.getFirstPropertyValue(name)).toBe(escapeText(label));
  // With a METHOD, an event must have an ORGANIZER, and Content-Type the same method.
  expect(calendar.getFirstPropertyValue("method")).toBeNull();
  expect(String(calendar.getFirstPropertyValue("refresh-interval"))).toBe("PT1H");
});

test("a calendar has the appointments from 31 days ago to 366 ahead, in order of time", async () => {
  const account = await newAccount(api);
  const { patient, doctor } = await assignedPair(account);
  const insert = (hours: number) => insertAppointment(patient, doctor, { hours, status: "fulfilled" });
  const [last, first] = [await insert(366 * DAY_HOURS), await insert(-31 * DAY_HOURS + 2)];
  const [, , middle] = [
    await insert(366 * DAY_HOURS + 2),
    await insert(-31 * DAY_HOURS - 2),
    await insert(-2),
  ];
  expect(idsIn(await api.get((await postFeed(account)).path))).toEqual([first, middle, last]);
});

test("of more than 2,000 appointments a calendar has the next ones, and then the latest of the past", async () => {
  const account = await newAccount(api);
  const { patient, doctor } = await assignedPair(account);
  const insertMany = (from: number, count: number) => asOwner`
    INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, created_by)
    SELECT ${patient.id}, ${account.id}, ${doctor.id}, t, t + interval '5 minutes', 'UTC', 'cancelled', ${account.id}
    FROM generate_series(0, ${count - 1}::int) n, LATERAL (SELECT ${hoursFromNow(from)}::timestamptz + n * interval '5 minutes' AS t) t
    RETURNING id`;
  // The latest of the past begin an hour ago or earlier.
  const past = (await insertMany(-100, 99 * 12)).map((row) => Number(row["id"]));
  const next = (await insertMany(2, 1000)).map((row) => Number(row["id"]));
  expect(idsIn(await api.get((await postFeed(account)).path))).toEqual([...past.slice(-1000), ...next]);
});

test("a clinic's calendar has the appointments of its patients, and not those of others with its doctors", async () => {
  const [own, other] = [await newAccount(api), await newAccount(api)];
  const { patient, doctor } = await assignedPair(own);
  const foreign = { id: (await postPatient(other)).id };
  await assignDoctor(other, { patient: foreign, doctor });
  const id = await insertAppointment(patient, doctor, { hours: 24 });
  await insertAppointment(foreign, doctor, { hours: 48 });
  expect(idsIn(await api.get((await postFeed(own)).path))).toEqual([id]);
});

test("a doctor's calendar has the appointments of the doctor in all clinics, and not those of other doctors", async () => {
  const { account, patient, doctor, feed } = await subscriberOf("doctor");
  const other = await newAccount(api);
  const foreign = { id: (await postPatient(other)).id };
  await assignDoctor(other, { patient: foreign, doctor });
  const colleague = { id: (await postDoctor(account)).id };
  await assignDoctor(account, { patient, doctor: colleague });
  const ids = [
    await insertAppointment(patient, doctor, { hours: 24 }),
    await insertAppointment(foreign, doctor, { hours: 48 }),
  ];
  await insertAppointment(patient, colleague, { hours: 72 });
  expect(idsIn(await api.get(feed.path))).toEqual(ids);
});

test("an appointment of a deleted patient is not in a calendar", async () => {
  for (const kind of ["clinic", "doctor"] as const) {
    const { account, patient, doctor, feed } = await subscriberOf(kind);
    await insertAppointment(patient, doctor, { hours: -24, status: "fulfilled" });
    expect(idsIn(await api.get(feed.path))).toHaveLength(1);
    expect((await account.delete(patientPath(patient))).status).toBe(204);
    expect(idsIn(await api.get(feed.path))).toEqual([]);
  }
});

test("a calendar may be stored by its reader only and is not indexed; the same one again gets 304", async () => {
  const { patient, doctor, feed } = await subscriberOf("clinic");
  await insertAppointment(patient, doctor);
  const { headers } = await api.get(feed.path);
  expect(headers.get("Cache-Control")).toBe("private, no-cache");
  expect(headers.get("X-Robots-Tag")).toBe("noindex");
  const known = { headers: { "If-None-Match": `W/${headers.get("ETag")}` } };
  const unchanged = await api.get(feed.path, known);
  expect([unchanged.status, unchanged.body, unchanged.headers.get("ETag")]).toEqual([
    304,
    "",
    headers.get("ETag"),
  ]);
  await insertAppointment(patient, doctor, { hours: 48 });
  expect((await api.get(feed.path, known)).status).toBe(200);
  // Whatever the client has (RFC 9110, section 13.1.2).
  expect((await api.get(feed.path, { headers: { "If-None-Match": "*" } })).status).toBe(304);
});

test("HEAD of a calendar has the headers of GET and no body", async () => {
  const { feed } = await subscriberOf("clinic");
  const [get, head] = [await api.get(feed.path), await api.request("HEAD", feed.path)];
  expect([head.status, head.body]).toEqual([200, ""]);
  for (const name of ["Content-Type", "ETag", "Cache-Control"])
    expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
});

test("reading a calendar is audited with its patients, and sets last_used_at at most once an hour", async () => {
  const { account, patient, doctor, feed } = await subscriberOf("doctor");
  for (const hours of [24, 48]) await insertAppointment(patient, doctor, { hours });
  const lastUse = async () => (await account.get("/api/calendar-feeds/")).body[0].last_used_at;
  expect(await lastUse()).toBeNull();
  expect(await auditEventsOf(await api.get(feed.path))).toEqual([
    {
      ...emptyAuditEvent(api),
      account_id: account.id,
      username: account.username,
      role: "clinician",
      action: "feed",
      patients: [patient.id],
      doctor_id: doctor.id,
      changes: { feed: { before: feed["id"], after: feed["id"] } },
    },
  ]);
  const first = await lastUse();
  expect(Date.parse(first)).toBeGreaterThan(0);
  await api.get(feed.path);
  expect(await lastUse()).toBe(first);
  await asOwner`UPDATE calendar_feeds SET last_used_at = now() - interval '61 minutes' WHERE id = ${feed["id"]}`;
  await api.get(feed.path);
  expect(Date.parse(await lastUse())).toBeGreaterThanOrEqual(Date.parse(first));
});

const notFound = { status: 404, body: { code: "not_found", detail: "There is no such record." } };

/** What ends a feed, for the account that created it in a shared clinic. */
const ends: Record<string, (account: TestAccount, feed: { id: number }, doctor: { id: number }) => unknown> =
  {
    "that was deleted": (account, { id }) => account.delete(`/api/calendar-feeds/${id}/`),
    "of a disabled account": ({ id }) => asOwner`UPDATE users SET active = false WHERE id = ${id}`,
    "of an account that was disabled and enabled again": async ({ id }) => {
      const admin = await newAccount(api, "admin");
      for (const active of [false, true])
        expect((await admin.patch(`/api/accounts/${id}/`, { active })).status).toBe(200);
    },
    "of an account that must change its password": ({ id }) =>
      asOwner`UPDATE users SET must_change_password = true WHERE id = ${id}`,
    "of an account that is an auditor now": ({ id }) =>
      asOwner`UPDATE users SET role = 'auditor', doctor_id = NULL WHERE id = ${id}`,
    "of an account that was an auditor meanwhile": async ({ id }, _, doctor) => {
      await asOwner`UPDATE users SET role = 'auditor', doctor_id = NULL WHERE id = ${id}`;
      await asOwner`UPDATE users SET role = 'clinician', doctor_id = ${doctor.id} WHERE id = ${id}`;
    },
    "of an account that was another doctor's meanwhile": async (account, _, doctor) => {
      await linkDoctor(account, await postDoctor(account));
      await linkDoctor(account, doctor);
    },
    "of an account that is not its doctor's any more": (account) => linkDoctor(account, null),
    "of an account that is another doctor's now": async (account) =>
      linkDoctor(account, await postDoctor(account)),
    "whose doctor was deleted": async (account, _, doctor) => {
      await linkDoctor(account, null);
      return account.delete(`/api/doctors/${doctor.id}/`);
    },
    "of a membership that has ended": async (account) => {
      const admin = await newAccount(api, "admin");
      return admin.delete(`/api/clinics/${account.clinic}/members/${account.id}/`);
    },
    "of a membership that has ended and begun again": async (account) => {
      const members = `/api/clinics/${account.clinic}/members/`;
      const admin = await newAccount(api, "admin");
      await admin.delete(`${members}${account.id}/`);
      expect((await admin.post(members, { account: account.id, role: "clerk" })).status).toBe(201);
    },
    "of a clinic that is not active": async ({ clinic }) =>
      (await newAccount(api, "admin")).patch(`/api/clinics/${clinic}/`, { active: false }),
  };

test.each(Object.keys(ends))(
  "the calendar of a feed %s gets the same 404 as an unknown token",
  async (name) => {
    const account = await newMember(api, await newClinic(), "clinician");
    const doctor = { id: (await postDoctor(account)).id };
    await linkDoctor(account, doctor);
    const feed = await postFeed(account, { doctor: doctor.id });
    expect((await api.get(feed.path)).status).toBe(200);
    await ends[name]?.(account, { id: Number(feed["id"]) }, doctor);
    const answer = await api.get(feed.path);
    expect(answer).toMatchObject(notFound);
    const [event] = await auditEventsOf(answer);
    expect(event?.["outcome"]).toBe(/deleted$/.test(name) ? undefined : "refused");
    expect(event?.["patients"] ?? null).toBeNull();
  },
);

test("a clinic's feed works on when its account is another doctor's, and one of a doctor whose account got another role", async () => {
  const { account, doctor, feed } = await subscriberOf("clinic");
  const ofDoctor = await postFeed(account, { doctor: doctor.id });
  await asOwner`UPDATE users SET role = 'admin' WHERE id = ${account.id}`;
  await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${account.id}`;
  expect((await api.get(ofDoctor.path)).status).toBe(200);
  await linkDoctor(account, await postDoctor(account));
  expect([(await api.get(feed.path)).status, (await api.get(ofDoctor.path)).status]).toEqual([200, 404]);
});

test("an unknown token, and a path that is no token, get the same 404; only a token costs a database request", async () => {
  const stranger = connectApi();
  expect(await stranger.get(`/calendar/${"x".repeat(43)}.ics`)).toMatchObject(notFound);
  expect(await stranger.databaseRequests()).toBe(1);
  for (const path of ["x.ics", "x".repeat(43), `${"x".repeat(44)}.ics`, `${"x".repeat(42)}%00.ics`])
    expect(await stranger.get(`/calendar/${path}`)).toMatchObject(notFound);
  expect(await stranger.databaseRequests()).toBe(0);
});

test("a new password and a logout everywhere do not end a feed", async () => {
  const { account, feed } = await subscriberOf("clinic");
  expect((await account.delete("/api/auth/sessions/")).status).toBe(204);
  await asOwner`UPDATE users SET password_version = password_version + 1 WHERE id = ${account.id}`;
  expect((await api.get(feed.path)).status).toBe(200);
});

test("no log has the token of a feed, whatever the response is", async () => {
  const { feed } = await subscriberOf("clinic");
  const token = feed.path.slice("/calendar/".length, -".ics".length);
  const printed = watchConsole();
  const broken = connectApi();
  await broken.disturbDatabase({ fault: "error-500" });
  const answers = [
    await api.get(feed.path),
    await api.get(`${feed.path}?x=1`),
    await api.get(`/calendar/${token}`),
    await api.get(`${feed.path}/${token}`),
    await api.post(feed.path, {}),
    await broken.get(feed.path),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 400, 404, 404, 405, 503]);
  expect(printed().join("\n")).not.toContain(token);
  expect(printed().join("\n")).toContain('"route":"/calendar/:feed"');
});
