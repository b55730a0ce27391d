import { expect, test } from "vitest";
import { DoctorsQuery } from "../../src/doctors/contract.ts";
import { AssignmentsQuery } from "../../src/mappings/contract.ts";
import { PatientsQuery } from "../../src/patients/contract.ts";
import { newAccount, unique } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, nextOf, pagesFrom } from "../support/pages.ts";
import { refusal } from "../support/problems.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";

const nurse = await newAccount();
const other = await newAccount();
const marked = unique("Zz");
const people = [
  { firstname: "Ångström", lastname: "Müller", age: 20, gender: "F" },
  { firstname: "Zoë", lastname: "O'Neill", age: 30, gender: "M" },
  { firstname: "ada", lastname: "de la  Cruz", age: 40, gender: "F" },
  { firstname: "Ada", lastname: "Lovelace", age: 50, gender: "O" },
  { firstname: "Grace", lastname: "Adams", age: 60, gender: "F" },
  { firstname: "Čapek", lastname: "müller", age: 70, gender: "U" },
];
const patients: { id: number; created_at: string }[] = [];
for (const person of people) patients.push(await createPatient(nurse, person));
await createPatient(other, { firstname: "Ada", lastname: "Nobody's" });
const [house, wilson] = [
  await createDoctor(nurse, { firstname: "Gregory", lastname: `${marked}House`, specialization: "NEUR" }),
  await createDoctor(other, { firstname: "James", lastname: `${marked}Wilson`, specialization: "GEN" }),
];
const assignments: { id: number }[] = [];
for (const [patient, doctor] of [
  [0, house],
  [3, wilson],
  [3, house],
  [5, house],
] as const)
  assignments.push(await assign(nurse, { patient: patients[patient] as { id: number }, doctor }));
await assign(other, { doctor: house });

/** Which of the people a list has, in its order, page by page. */
async function listed(query: string, limit = 200): Promise<number[]> {
  const ids: number[] = [];
  for await (const page of pagesFrom(nurse, `/api/patients/?limit=${limit}&${query}`))
    ids.push(...idsOf(page));
  return ids.map((id) => patients.findIndex((patient) => patient.id === id));
}

test.each([
  ["ada", [2, 3, 4]],
  ["ADA", [2, 3, 4]],
  ["ada l", [3]],
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
  ["a%", []],
  ["_da", []],
  ["\\", []],
])("the patients that begin with %j are found", async (search, found) => {
  expect(await listed(`search=${encodeURIComponent(search)}`)).toEqual(found);
});

test("letters that are no letter with an accent are found by their plain ones, and those with two lower cases by both", async () => {
  const account = await newAccount();
  const names = ["Ørsted", "Łódź", "Straße", "Æbeltoft", "ΟΔΟΣ", "Işık", "Þórr"];
  for (const lastname of names) await createPatient(account, { lastname });
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
])("patients by %s, also a record at a time", async (query, found) => {
  expect(await listed(query)).toEqual(found);
  expect(await listed(query, 1)).toEqual(found);
});

test("what is sorted by is compared as it is stored, to the millisecond, and ids decide where it is the same", async () => {
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

test.each([
  [`search=${marked}`, [house, wilson]],
  [`search=james ${marked.toLowerCase()}`, [wilson]],
  [`search=${marked}&specialization=NEUR`, [house]],
  [`search=${marked}&sort=-lastname`, [wilson, house]],
  [`patient=${patients[3]?.id}`, [house, wilson]],
  [`patient=${patients[3]?.id}&sort=-lastname`, [wilson, house]],
  [`patient=${patients[0]?.id}&specialization=GEN`, []],
])("doctors by %s", async (query, found) => {
  expect(idsOf(await nurse.get(`/api/doctors/?${query}`))).toEqual(found.map(({ id }) => id));
});

test("nobody learns by a filter who looks after another's patient", async () => {
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
])("assignments by %s, also one at a time", async (query, found) => {
  const expected = found.map((index) => assignments[index]?.id);
  expect(idsOf(await nurse.get(`/api/mappings/?${query}`))).toEqual(expected);
  const visited: number[] = [];
  for await (const page of pagesFrom(nurse, `/api/mappings/?limit=1&${query}`)) visited.push(...idsOf(page));
  expect(visited).toEqual(expected);
});

test("a filter whose value is not valid is 400 by its name, and asks nothing of the database", async () => {
  await nurse.api.databaseRequests();
  const wrong = "search=%20&gender=f&min_age=-1&max_age=121&doctor=0&sort=age";
  const names = ["search", "gender", "min_age", "max_age", "doctor", "sort"];
  expect(await nurse.get(`/api/patients/?${wrong}`)).toEqual(refusal(...names));
  expect(await nurse.get("/api/patients/?min_age=50&max_age=49")).toEqual(refusal("max_age"));
  expect(await nurse.get("/api/patients/?min_age=121")).toEqual(refusal("min_age"));
  for (const list of ["patients", "doctors"])
    expect(await nurse.get(`/api/${list}/?search=%CC%81%CD%85`)).toEqual(refusal("search"));
  expect(await nurse.get("/api/patients/?min_age=old&max_age=49")).toEqual(refusal("min_age"));
  expect(await nurse.get("/api/doctors/?specialization=SURG&patient=x")).toEqual(
    refusal("specialization", "patient"),
  );
  expect(await nurse.api.databaseRequests()).toBe(0);
});

test("each list knows its filters and orders", () => {
  const people = { limit: "1", search: "x", sort: "-lastname" };
  expect(
    PatientsQuery.safeParse({ ...people, doctor: "1", gender: "U", min_age: "0", max_age: "120" }).success,
  ).toBe(true);
  expect(DoctorsQuery.safeParse({ ...people, specialization: "PED", patient: "1" }).success).toBe(true);
  expect(AssignmentsQuery.safeParse({ sort: "-created_at", patient: "1", doctor: "1" }).success).toBe(true);
  expect(AssignmentsQuery.safeParse({ sort: "lastname" }).success).toBe(false);
});

test("a page in another order, too, is one database request, and links to the next", async () => {
  await nurse.api.databaseRequests();
  const first = await nurse.get("/api/patients/?limit=2&sort=lastname&gender=F");
  expect(await nurse.api.databaseRequests()).toBe(1);
  expect(idsOf(await nurse.get(nextOf(first) ?? ""))).toEqual([patients[0]?.id]);
  expect(await nurse.api.databaseRequests()).toBe(1);
});
