import { expect, test } from "vitest";
import { AssignmentsQuery } from "../../src/assignments/requests.ts";
import { DoctorsQuery } from "../../src/doctors/requests.ts";
import { PatientsQuery } from "../../src/patients/requests.ts";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, nextOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const nurse = await newAccount();
const other = await newAccount();
const mark = uniqueName("Zz");
const people = [
  { firstname: "Ångström", lastname: "Müller", age: 20, gender: "F" },
  { firstname: "Zoë", lastname: "O'Neill", age: 30, gender: "M" },
  { firstname: "ada", lastname: "de la  Cruz", age: 40, gender: "F" },
  { firstname: "Ada", lastname: "Lovelace", age: 50, gender: "O" },
  { firstname: "Grace", lastname: "Adams", age: 60, gender: "F" },
  { firstname: "Čapek", lastname: "müller", age: 70, gender: "U" },
];
const patients: { id: number; created_at: string }[] = [];
for (const person of people) patients.push(await postPatient(nurse, person));
await postPatient(other, { firstname: "Ada", lastname: "Nobody's" });
const [house, wilson] = [
  await postDoctor(nurse, { firstname: "Gregory", lastname: `${mark}House`, specialization: "NEUR" }),
  await postDoctor(other, { firstname: "James", lastname: `${mark}Wilson`, specialization: "GEN" }),
];
const assignments: { id: number }[] = [];
for (const [patient, doctor] of [
  [0, house],
  [3, wilson],
  [3, house],
  [5, house],
] as const)
  assignments.push(await assignDoctor(nurse, { patient: patients[patient] as { id: number }, doctor }));
await assignDoctor(other, { doctor: house });

/** Reads a list of patients page by page. @returns the indexes of the people in it, in order */
async function listPeople(query: string, limit = 200): Promise<number[]> {
  const ids: number[] = [];
  for await (const page of pagesFrom(nurse, `/api/patients/?limit=${limit}&${query}`))
    ids.push(...idsOf(page));
  return ids.map((id) => patients.findIndex((patient) => patient.id === id));
}

test.each([
  ["ada", [2, 3, 4]],
  ["ADA", [2, 3, 4]],
  ["ada l", [2, 3]],
  ["ada lo", [3]],
  ["lovelace a", [3]],
  ["angst", [0]],
  ["ÅNGSTRÖM MÜ", [0]],
  ["Muller", [0, 5]],
  ["Mu\u0308ller", [0, 5]],
  ["zoe o'n", [1]],
  ["de la cruz", [2]],
  ["De  La   Cruz", [2]],
  ["cap", [5]],
  ["dams", []],
  ["a%", [0, 2, 3, 4]],
  ["_da", []],
  ["\\", []],
])("search=%j finds the patients whose name begins with it", async (search, found) => {
  expect(await listPeople(`search=${encodeURIComponent(search)}`)).toEqual(found);
});

test("search finds letters that do not decompose by their plain letters, and both forms of sigma and sharp s", async () => {
  const account = await newAccount();
  const names = ["Ørsted", "Łódź", "Straße", "Æbeltoft", "ΟΔΟΣ", "Işık", "Þórr"];
  for (const lastname of names) await postPatient(account, { lastname });
  for (const [search, lastname] of [
    ["orsted", "Ørsted"],
    ["LODZ", "Łódź"],
    ["strasse", "Straße"],
    ["STRASSE", "Straße"],
    ["straße", "Straße"],
    ["aeb", "Æbeltoft"],
    ["οδος", "ΟΔΟΣ"],
    ["οδοσ", "ΟΔΟΣ"],
    ["isik", "Işık"],
    ["thorr", "Þórr"],
  ]) {
    const { body } = await account.get(`/api/patients/?search=${encodeURIComponent(search ?? "")}`);
    expect([search, body.map((patient: { lastname: string }) => patient.lastname)]).toEqual([
      search,
      [lastname],
    ]);
  }
});

test.each([
  ["gender=F", [0, 2, 4]],
  ["min_age=40", [2, 3, 4, 5]],
  ["max_age=30", [0, 1]],
  ["min_age=30&max_age=50", [1, 2, 3]],
  ["gender=F&min_age=30&search=ada", [2, 4]],
  [`doctor=${house.id}`, [0, 3, 5]],
  [`doctor=${wilson.id}&gender=O`, [3]],
  [`doctor=${house.id}&min_age=30&sort=-id`, [5, 3]],
  [`doctor=${house.id}&sort=lastname&search=mu`, [0, 5]],
  ["doctor=2147483647", []],
  ["sort=id", [0, 1, 2, 3, 4, 5]],
  ["sort=-id", [5, 4, 3, 2, 1, 0]],
  ["sort=lastname", [4, 2, 3, 0, 5, 1]],
  ["sort=-lastname", [1, 5, 0, 3, 2, 4]],
  ["sort=created_at", [0, 1, 2, 3, 4, 5]],
  ["sort=-created_at&gender=F", [4, 2, 0]],
])("patients by %s, also with one record on a page", async (query, found) => {
  expect(await listPeople(query)).toEqual(found);
  expect(await listPeople(query, 1)).toEqual(found);
});

test("records with the same time or name are sorted by id", async () => {
  const account = await newAccount();
  const rows = await asOwner`
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, created_at)
    SELECT 'A', 'B', gen_random_uuid() || '@example.org', 1, 'F', ${account.id}::int, ${account.id}::int,
      '2025-01-01T00:00:00.001Z'::timestamptz + (n / 3) * interval '1 millisecond'
    FROM generate_series(0, 8) n RETURNING id`;
  const ids = rows.map(({ id }) => id);
  for (const sort of ["created_at", "lastname"]) {
    for (const [way, order] of [["", ids] as const, ["-", ids.toReversed()] as const]) {
      const visited = [];
      for await (const page of pagesFrom(account, `/api/patients/?limit=2&sort=${way}${sort}`))
        visited.push(...idsOf(page));
      expect(visited).toEqual(order);
    }
  }
});

test("updated_since and sort=updated_at find patients and doctors by their last change", async () => {
  const account = await newAccount();
  for (const [list, post] of [
    ["patients", postPatient],
    ["doctors", postDoctor],
  ] as const) {
    const records = [await post(account), await post(account), await post(account)];
    const ids: number[] = records.map(({ id }) => id);
    await account.patch(`/api/${list}/${ids[0]}/`, { firstname: "Grace" });
    const changed = (await account.get(`/api/${list}/${ids[0]}/`)).body.updated_at;
    const own = async (query: string) => {
      const visited: number[] = [];
      for await (const page of pagesFrom(account, `/api/${list}/?limit=1&updated_since=${query}`))
        visited.push(...idsOf(page));
      return visited.filter((id) => ids.includes(id));
    };
    const order = [ids[1], ids[2], ids[0]];
    const first = records[1].updated_at;
    expect(await own(`${first}&sort=updated_at`)).toEqual(order);
    expect(await own(`${first}&sort=-updated_at`)).toEqual(order.toReversed());
    expect(await own(first)).toEqual(ids);
    expect(await own(`${changed}&sort=updated_at`)).toEqual([ids[0]]);
    expect(await own("9999-12-31T23:59:59Z&sort=-updated_at")).toEqual([]);
  }
  const [deleted] = (await account.get("/api/patients/")).body;
  await account.delete(`/api/patients/${deleted.id}/`);
  const listed = await account.get(
    `/api/patients/?deleted=true&sort=updated_at&updated_since=${deleted.updated_at}`,
  );
  expect(idsOf(listed)).toEqual([deleted.id]);
});

test.each([
  [`search=${mark}`, [house, wilson]],
  [`search=james ${mark.toLowerCase()}`, [wilson]],
  [`search=${mark}&specialization=NEUR`, [house]],
  [`search=${mark}&sort=-lastname`, [wilson, house]],
  [`patient=${patients[3]?.id}`, [house, wilson]],
  [`patient=${patients[3]?.id}&sort=-lastname`, [wilson, house]],
  [`patient=${patients[0]?.id}&specialization=GEN`, []],
])("doctors by %s", async (query, found) => {
  expect(idsOf(await nurse.get(`/api/doctors/?${query}`))).toEqual(found.map(({ id }) => id));
});

test("a filter by another account's patient finds nothing", async () => {
  expect(idsOf(await other.get(`/api/doctors/?patient=${patients[3]?.id}`))).toEqual([]);
  expect(idsOf(await other.get(`/api/mappings/?patient=${patients[3]?.id}`))).toEqual([]);
});

test.each([
  [`patient=${patients[3]?.id}`, [1, 2]],
  [`doctor=${house.id}`, [0, 2, 3]],
  [`doctor=${house.id}&patient=${patients[3]?.id}`, [2]],
  [`doctor=${house.id}&sort=-id`, [3, 2, 0]],
  ["sort=created_at", [0, 1, 2, 3]],
  [`sort=-created_at&doctor=${house.id}`, [3, 2, 0]],
])("assignments by %s, also with one on a page", async (query, found) => {
  const expected = found.map((index) => assignments[index]?.id);
  expect(idsOf(await nurse.get(`/api/mappings/?${query}`))).toEqual(expected);
  const visited: number[] = [];
  for await (const page of pagesFrom(nurse, `/api/mappings/?limit=1&${query}`)) visited.push(...idsOf(page));
  expect(visited).toEqual(expected);
});

test("an invalid filter gets 400 with its name, without a database request", async () => {
  await nurse.api.databaseRequests();
  const wrong = "search=%20&gender=f&min_age=-1&max_age=121&doctor=0&sort=age&updated_since=today";
  const names = ["search", "gender", "min_age", "max_age", "doctor", "sort", "updated_since"];
  expect(await nurse.get(`/api/patients/?${wrong}`)).toEqual(fieldProblem(...names));
  expect(await nurse.get("/api/patients/?min_age=50&max_age=49")).toEqual(fieldProblem("max_age"));
  expect(await nurse.get("/api/patients/?min_age=121")).toEqual(fieldProblem("min_age"));
  for (const list of ["patients", "doctors"])
    expect(await nurse.get(`/api/${list}/?search=%CC%81%CD%85`)).toEqual(fieldProblem("search"));
  expect(await nurse.get("/api/patients/?min_age=old&max_age=49")).toEqual(fieldProblem("min_age"));
  expect(await nurse.get("/api/doctors/?specialization=SURG&patient=x")).toEqual(
    fieldProblem("specialization", "patient"),
  );
  expect(await nurse.api.databaseRequests()).toBe(0);
});

test("each list accepts its own filters and orders", () => {
  const people = { limit: "1", search: "x", sort: "-lastname" };
  expect(
    PatientsQuery.safeParse({ ...people, doctor: "1", gender: "U", min_age: "0", max_age: "120" }).success,
  ).toBe(true);
  expect(DoctorsQuery.safeParse({ ...people, specialization: "PED", patient: "1" }).success).toBe(true);
  expect(AssignmentsQuery.safeParse({ sort: "-created_at", patient: "1", doctor: "1" }).success).toBe(true);
  expect(AssignmentsQuery.safeParse({ sort: "lastname" }).success).toBe(false);
});

test("a page in another order takes one database request and links to the next", async () => {
  await nurse.api.databaseRequests();
  const first = await nurse.get("/api/patients/?limit=2&sort=lastname&gender=F");
  expect(await nurse.api.databaseRequests()).toBe(1);
  expect(idsOf(await nurse.get(nextOf(first) ?? ""))).toEqual([patients[0]?.id]);
  expect(await nurse.api.databaseRequests()).toBe(1);
});
