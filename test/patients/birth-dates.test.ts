import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem } from "../support/problems.ts";
import { newPatient, postPatient } from "../support/resources.ts";

const nurse = await newAccount();
const pathOf = ({ id }: { id: number }) => `/api/patients/${id}/`;
const born = (birth_date: string, fields: object = {}) =>
  postPatient(nurse, { age: null, birth_date, ...fields });

/** A day in UTC: today, some years and days ago. Not 29 February, so that the same day exists in every year. */
function dayAgo(years: number, days = 0): string {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() - days);
  if (day.getUTCMonth() === 1 && day.getUTCDate() === 29) day.setUTCDate(28);
  day.setUTCFullYear(day.getUTCFullYear() - years);
  return day.toISOString().slice(0, 10);
}
const today = dayAgo(0);
/** Lets days pass: what was said today was said before. */
const letDaysPass = (days: number, { id }: { id: number }) =>
  asOwner`UPDATE patients SET age_as_of = age_as_of - ${days}::int WHERE id = ${id}`;

describe("a new patient", () => {
  test.each([
    [dayAgo(30), 30],
    [dayAgo(30, -1), 29],
    [dayAgo(0), 0],
    [dayAgo(0, -1), 0],
    [dayAgo(120), 120],
    [today.slice(0, 4), 0],
    [today.slice(0, 7), 0],
  ])("born on %s has the lowest possible age, %i", async (birth_date, age) => {
    expect(await born(birth_date)).toMatchObject({ age, birth_date, age_as_of: null });
  });

  test("with an age has the day on which it was said, and no birth date", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    expect(patient).toMatchObject({ age: 30, birth_date: null, age_as_of: today });
    expect((await nurse.get(pathOf(patient))).body).toEqual(patient);
  });

  test.each<[fields: object, field: string]>([
    [{ birth_date: dayAgo(0, -2) }, "birth_date"],
    [{ birth_date: "2999" }, "birth_date"],
    [{ birth_date: dayAgo(120, 1) }, "birth_date"],
    [{ birth_date: String(Number(today.slice(0, 4)) - 121 - 1) }, "birth_date"],
    [{ birth_date: dayAgo(30, 40), age: 29 }, "age"],
    [{ birth_date: dayAgo(30, 40), age: 31 }, "age"],
    [{ birth_date: "1990", age: 0 }, "age"],
  ])("with %j gets 400 on %s", async (fields, field) => {
    expect(await nurse.post("/api/patients/", newPatient({ age: null, ...fields }))).toEqual(
      fieldProblem(field),
    );
  });

  test("may have both, if they agree; the birth date is kept", async () => {
    const year = String(Number(today.slice(0, 4)) - 30);
    for (const [birth_date, age] of [
      [dayAgo(30, 40), 30],
      [year, 29],
      [year, 30],
    ] as const)
      expect(await born(birth_date, { age })).toMatchObject({ birth_date, age_as_of: null });
  });
});

describe("PATCH", () => {
  test("of a birth date replaces an age, and the history shows what was said", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    await letDaysPass(800, patient);
    const { status, body } = await nurse.patch(pathOf(patient), { birth_date: "1990-05" });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ birth_date: "1990-05", age_as_of: null }),
    ]);
    const [change, creation] = (await nurse.get(`${pathOf(patient)}history/`)).body;
    expect(change.changes).toEqual({
      age: { before: 30, after: null },
      birth_date: { before: null, after: "1990-05" },
    });
    expect(creation.changes).toMatchObject({ age: { before: null, after: 30 } });
    expect(creation.changes).not.toHaveProperty("birth_date");
  });

  test("of an age says it anew, as of today", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    await letDaysPass(800, patient);
    expect((await nurse.get(pathOf(patient))).body).toMatchObject({ age: 32 });
    for (const age of [33, 32]) {
      const { body } = await nurse.patch(pathOf(patient), { age });
      expect(body).toMatchObject({ age, age_as_of: today });
    }
    expect((await nurse.patch(pathOf(patient), { age: 121 })).body.errors).toEqual({
      age: [expect.any(String)],
    });
  });

  test("of the age that was said before, on another day, is a change in the history", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    await letDaysPass(800, patient);
    const { body } = await nurse.patch(pathOf(patient), { age: 30 });
    expect(body).toMatchObject({ age: 30, age_as_of: today });
    const [change] = (await nurse.get(`${pathOf(patient)}history/`)).body;
    expect(change.changes).toEqual({ age: { before: 30, after: 30 } });
  });

  test("of an age is 400 when the birth date is known, unless it agrees", async () => {
    const patient = await born(dayAgo(30, 40));
    for (const age of [29, 31, 0, 121])
      expect(await nurse.patch(pathOf(patient), { age })).toEqual(fieldProblem("age"));
    expect((await nurse.get(pathOf(patient))).body).toEqual(patient);
    expect((await nurse.patch(pathOf(patient), { age: 30 })).body).toMatchObject({
      birth_date: patient.birth_date,
    });
    const year = await born(String(Number(today.slice(0, 4)) - 30));
    expect((await nurse.patch(pathOf(year), { age: 30 })).body).toMatchObject({
      birth_date: year.birth_date,
    });
  });

  test("cannot remove a birth date, and null for one that is not known changes nothing", async () => {
    const patient = await born("1990");
    for (const changes of [{ birth_date: null }, { birth_date: null, age: 20 }])
      expect(await nurse.patch(pathOf(patient), changes)).toEqual(fieldProblem("birth_date"));
    const other = await postPatient(nurse);
    const { body } = await nurse.patch(pathOf(other), { birth_date: null });
    expect(body).toEqual({ ...other, updated_at: body.updated_at, version: 2 });
  });

  test("of both is 400 on the age unless they agree", async () => {
    const patient = await postPatient(nurse, { age: 50 });
    const changes = { birth_date: dayAgo(30, 40), age: 31 };
    expect(await nurse.patch(pathOf(patient), changes)).toEqual(fieldProblem("age"));
    expect((await nurse.patch(pathOf(patient), { ...changes, age: 30 })).body).toMatchObject({ age: 30 });
  });
});

describe("a whole record", () => {
  test("sent back years later keeps the age and the day on which it was said", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    await letDaysPass(800, patient);
    const { body: record } = await nurse.get(pathOf(patient));
    const { body } = await nurse.put(pathOf(patient), { ...record, lastname: "King" });
    expect(body).toEqual({ ...record, lastname: "King", updated_at: body.updated_at, version: 2 });
  });

  test("sent back with another birth date takes it; the age of before counts as not sent", async () => {
    const record = await born("1990-05-17");
    const { status, body } = await nurse.put(pathOf(record), { ...record, birth_date: "1960-05-17" });
    expect([status, body.birth_date, body.age > record.age]).toEqual([200, "1960-05-17", true]);
  });

  test("sent back on the birthday, with the age of the day before, changes nothing else", async () => {
    const birthday = await born(dayAgo(30));
    expect(birthday.age).toBe(30);
    const said = await postPatient(nurse, { age: 29 });
    await asOwner`UPDATE patients SET age_as_of = ${dayAgo(1)}::date WHERE id = ${said.id}`;
    for (const { id } of [birthday, said]) {
      const record = (await nurse.get(pathOf({ id }))).body;
      const { status, body } = await nurse.put(pathOf({ id }), { ...record, age: 29 });
      expect([status, body]).toEqual([200, { ...record, updated_at: body.updated_at, version: 2 }]);
    }
  });

  test("of a patient who is older than 120 can be sent back", async () => {
    const patient = await postPatient(nurse, { age: 119 });
    await letDaysPass(3 * 366, patient);
    const { body: record } = await nurse.get(pathOf(patient));
    expect(record.age).toBe(122);
    expect((await nurse.put(pathOf(patient), record)).status).toBe(200);
  });
});

test("TIME_ZONE decides which day it is", async () => {
  // 26 hours apart, so that it is never the same day.
  const [early, late] = ["Pacific/Kiritimati", "Etc/GMT+12"].map((TIME_ZONE) => connectApi({ TIME_ZONE }));
  const account = await newAccount(early);
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: "Pacific/Kiritimati" }).format();
  const birth_date = `${Number(day.slice(0, 4)) - 30}${day.slice(4)}`.replace("02-29", "03-01");
  const patient = await postPatient(account, { age: null, birth_date });
  const options = { token: account.token };
  const ages = [early, late].map(async (api) => (await api?.get(pathOf(patient), options))?.body.age);
  expect(await Promise.all(ages)).toEqual([30, 29]);
});

describe("the ETag", () => {
  test("changes with the age: a client that has the old age gets the record, and may still change it", async () => {
    const patient = await postPatient(nurse, { age: 30 });
    const path = pathOf(patient);
    const read = (etag: string) => nurse.get(path, { headers: { "If-None-Match": etag } });
    expect((await read('"1.30"')).status).toBe(304);
    await letDaysPass(366, patient);
    const { status, headers } = await read('"1.30"');
    expect([status, headers.get("ETag")]).toEqual([200, '"1.31"']);
    for (const etag of ['"1.31"', '"1"']) expect((await read(etag)).status).toBe(304);
    const excluded = { headers: { "If-None-Match": '"1.31"' } };
    expect((await nurse.patch(path, {}, excluded)).status).toBe(412);
    const change = await nurse.patch(
      path,
      {},
      { headers: { "If-Match": '"1.30"', "If-None-Match": '"1.30"' } },
    );
    expect([change.status, change.headers.get("ETag")]).toEqual([200, '"2.31"']);
  });
});

test("filters match where the possible days of birth overlap", async () => {
  const account = await newAccount();
  const year = Number(today.slice(0, 4)) - 40;
  const births = [`${year}`, `${year}-06`, `${year}-06-15`, `${year + 1}-01-01`];
  const ids: number[] = [];
  for (const birth_date of births) ids.push((await postPatient(account, { age: null, birth_date })).id);
  const found = async (query: string) =>
    (await account.get(`/api/patients/?${query}`)).body.map(({ id }: { id: number }) => ids.indexOf(id));
  expect(await found(`born_from=${year}-07`)).toEqual([0, 3]);
  expect(await found(`born_to=${year}-06-10`)).toEqual([0, 1]);
  expect(await found(`born_from=${year}-06-15&born_to=${year}-06-15`)).toEqual([0, 1, 2]);
  expect(await found(`born_from=${year + 1}`)).toEqual([3]);
  expect(await found(`born_to=${year}`)).toEqual([0, 1, 2]);
  expect(await account.get("/api/patients/?born_from=1990-02&born_to=1990-01")).toEqual(
    fieldProblem("born_to"),
  );
  for (const query of ["born_from=90", "born_from=1990-02-30", "born_from="])
    expect(await account.get(`/api/patients/?${query}`)).toEqual(fieldProblem("born_from"));
});

test("min_age and max_age match each age that a patient may have", async () => {
  const account = await newAccount();
  const patient = await postPatient(account, { age: 30 });
  const matches = async (query: string) => (await account.get(`/api/patients/?${query}`)).body.length === 1;
  expect(await matches("min_age=30&max_age=30")).toBe(true);
  expect(await matches("min_age=31")).toBe(false);
  expect(await matches("max_age=29")).toBe(false);
  // Some days later a part of those who were 30 is 31.
  await letDaysPass(20, patient);
  expect(await matches("min_age=31")).toBe(true);
  expect(await matches("max_age=30")).toBe(true);
});

test("min_age=0 finds a patient who is born tomorrow, and whose age is 0", async () => {
  const account = await newAccount();
  const { id, age } = await postPatient(account, { age: null, birth_date: dayAgo(0, -1) });
  const { body } = await account.get("/api/patients/?min_age=0&max_age=0");
  expect([age, body.map((one: { id: number }) => one.id)]).toEqual([0, [id]]);
});
