import type autocannon from "autocannon";
import { withClient } from "../ops/command.ts";
import type { Database, Side } from "./servers.ts";

export interface Kind {
  name: string;
  /** The status of the API's answers. */
  status: number;
  /** How often a request of it asks the database. */
  asks: 0 | 1 | 2;
  /** The most CPU that it may take in the Worker, as a multiple of the floor's. */
  limit?: number;
  /** Makes the next request to the API. */
  product: () => autocannon.Request;
  /** Makes the next request to the floor, for as much of it as can be without the API. */
  floor: () => autocannon.Request;
  /** The status of the floor's answers; 200 if it is not said. */
  floorStatus?: number;
  /** Puts into the database what the next `count` requests use up. */
  prepare?: (count: number) => Promise<void>;
}

/** A caller of the API, with all that the kinds of requests need; for as long as an access token lives. */
export interface Scene {
  database: Database;
  token: string;
  username: string;
  password: string;
  /** The id of the caller's account. */
  owner: number;
  /** The ids of the caller's patients. */
  patients: number[];
}

/** Logs the account with the most patients in. */
export async function openScene(database: Database, product: Side): Promise<Scene> {
  const { username = "", password = "", id: owner = 0 } = database.accounts[1] ?? {};
  const response = await fetch(`${product.origin}/api/auth/login/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  const { access } = (await response.json()) as { access: string };
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query("SELECT id FROM patients WHERE owner_id = $1", [owner]),
  );
  return { database, token: access, username, password, owner, patients: rows.map(({ id }) => id) };
}

/** Emails that no other patient has. */
let people = 0;

/** The kinds of requests that work on data. */
export function kindsOfWork({ database, token, owner, patients }: Scene): Kind[] {
  const headers = { Authorization: `Bearer ${token}` };
  const json = { ...headers, "Content-Type": "application/json" };
  const any = () => patients[Math.floor(Math.random() * patients.length)];
  const newPatient = (): string => {
    people += 1;
    const email = `bench.${people}@example.org`;
    return JSON.stringify({ firstname: "Ida", lastname: "Bauer", email, age: people % 100, gender: "F" });
  };
  const newAge = (): string => JSON.stringify({ age: Math.floor(Math.random() * 100) });
  const doomed: number[] = [];
  const page = (path: string, floor: string, size: number) => ({
    product: () => ({ method: "GET" as const, path: `${path}?limit=${size}`, headers }),
    floor: () => ({ path: `${floor}?n=${size}` }),
  });
  return [
    {
      name: "one patient",
      status: 200,
      asks: 1,
      limit: 1.6,
      product: () => ({ path: `/api/patients/${any()}/`, headers }),
      floor: () => ({ path: `/patient?n=${any()}` }),
    },
    { name: "page of 50", status: 200, asks: 1, limit: 1.15, ...page("/api/patients/", "/patients", 50) },
    { name: "page of 200", status: 200, asks: 1, limit: 0.75, ...page("/api/patients/", "/patients", 200) },
    {
      name: "create",
      status: 201,
      asks: 1,
      limit: 1.6,
      product: () => ({ method: "POST", path: "/api/patients/", headers: json, body: newPatient() }),
      floor: () => ({ method: "POST", path: "/create", headers: json, body: newPatient() }),
      floorStatus: 201,
    },
    {
      name: "change",
      status: 200,
      asks: 1,
      product: () => ({ method: "PATCH", path: `/api/patients/${any()}/`, headers: json, body: newAge() }),
      floor: () => ({ method: "PATCH", path: `/change?n=${any()}`, headers: json, body: newAge() }),
    },
    {
      name: "delete",
      status: 204,
      asks: 1,
      product: () => ({ method: "DELETE", path: `/api/patients/${doomed.pop()}/`, headers }),
      floor: () => ({ method: "DELETE", path: `/delete?n=${doomed.pop()}` }),
      async prepare(count) {
        const from = people + 1;
        people += count;
        const { rows } = await withClient(database.ownerUrl, (client) =>
          client.query(insertDoomed, [from, people, owner]),
        );
        doomed.splice(0, doomed.length, ...rows.map(({ id }) => id));
      },
    },
    {
      name: "doctors of a patient",
      status: 200,
      asks: 1,
      product: () => ({ path: `/api/mappings/${any()}/`, headers }),
      floor: () => ({ path: `/doctors?n=${any()}` }),
    },
    { name: "50 assignments", status: 200, asks: 1, ...page("/api/mappings/", "/assignments", 50) },
    {
      name: "200 assignments",
      status: 200,
      asks: 1,
      limit: 1,
      ...page("/api/mappings/", "/assignments", 200),
    },
  ];
}

const insertDoomed = `
  INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
  SELECT 'Ida', 'Bauer', 'bench.' || n || '@example.org', 33, 'F', $3::integer, $3::integer
  FROM generate_series($1::integer, $2::integer) n RETURNING id`;

/** Logging in, beside one comparison of the same password. */
export const login = ({ username, password }: Scene): Kind => ({
  name: "login",
  status: 200,
  asks: 2,
  limit: 1.05,
  product: () => ({
    method: "POST",
    path: "/api/auth/login/",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  }),
  floor: () => ({ method: "POST", path: "/bcrypt" }),
});

/** What is refused before the database is asked, beside an empty Worker. */
export function refusals({ token }: Scene): Kind[] {
  const headers = { Authorization: `Bearer ${token}` };
  const json = { ...headers, "Content-Type": "application/json" };
  const body = JSON.stringify({ firstname: "", lastname: "Bauer", email: "ida", age: 200, gender: "F" });
  const refusal = (name: string, limit: number, request: autocannon.Request): Kind => ({
    name,
    status: Number.parseInt(name, 10),
    asks: 0,
    limit,
    product: () => ({ ...request }),
    floor: () => ({ ...request, path: "/empty" }),
  });
  return [
    refusal("401", 3, { path: "/api/patients/1/" }),
    refusal("404 without a token", 3, { path: "/api/nothing/" }),
    // Elsewhere the guard comes first.
    refusal("405", 3, { path: "/api/auth/login/" }),
    refusal("400", 5, { method: "POST", path: "/api/patients/", headers: json, body }),
    refusal("404 behind a token", 5, { path: "/api/patients/none/", headers }),
  ];
}
