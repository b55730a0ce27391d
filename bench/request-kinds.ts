import type autocannon from "autocannon";
import { withClient } from "../ops/command.ts";
import type { BenchDatabase, BenchWorker } from "./servers.ts";

/** A kind of request that is measured, and the request to the baseline that it is compared with. */
export interface RequestKind {
  name: string;
  /** The status of the API's response. */
  status: number;
  /** How many requests to the database one request makes. */
  databaseRequests: 0 | 1 | 2;
  /** The budget for Worker CPU / baseline CPU. */
  cpuLimit?: number;
  /** Returns the next request to the API. */
  apiRequest: () => autocannon.Request;
  /** Returns the next request to the baseline. */
  baselineRequest: () => autocannon.Request;
  /** The status of the baseline's response. Default: 200. */
  baselineStatus?: number;
  /** Inserts the rows that the next `count` requests will delete. */
  prepare?: (count: number) => Promise<void>;
}

/** An account that is logged in, and what the requests need to know of it. Valid as long as its access token. */
export interface BenchCaller {
  database: BenchDatabase;
  token: string;
  username: string;
  password: string;
  accountId: number;
  /** The ids of the account's patients. */
  patientIds: number[];
}

/** Logs in the account that has the most patients. */
export async function logInCaller(database: BenchDatabase, api: BenchWorker): Promise<BenchCaller> {
  const { username = "", password = "", id: accountId = 0 } = database.accounts[1] ?? {};
  const response = await fetch(`${api.origin}/api/auth/login/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  const { access } = (await response.json()) as { access: string };
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query("SELECT id FROM patients WHERE owner_id = $1", [accountId]),
  );
  const patientIds = rows.map(({ id }) => id);
  return { database, token: access, username, password, accountId, patientIds };
}

/** Requests that the API accepts: the login, and those that read and change patients and assignments. */
export const acceptedRequestKinds = (caller: BenchCaller): RequestKind[] => [
  ...dataRequestKinds(caller),
  loginRequestKind(caller),
];

/** How many patients were added so far. It makes each email unique. */
let patientCount = 0;

/** The kinds of requests that read and change patients and assignments. */
export function dataRequestKinds({ database, token, accountId, patientIds }: BenchCaller): RequestKind[] {
  const headers = { Authorization: `Bearer ${token}` };
  const jsonHeaders = { ...headers, "Content-Type": "application/json" };
  const randomId = () => patientIds[Math.floor(Math.random() * patientIds.length)];
  const newPatient = (): string => {
    patientCount += 1;
    const email = `bench.${patientCount}@example.org`;
    return JSON.stringify({
      firstname: "Ida",
      lastname: "Bauer",
      email,
      age: patientCount % 100,
      gender: "F",
    });
  };
  const newAge = (): string => JSON.stringify({ age: Math.floor(Math.random() * 100) });
  const idsToDelete: number[] = [];
  const list = (name: string, path: string, baselinePath: string, limit: number) => ({
    name,
    status: 200,
    databaseRequests: 1 as const,
    apiRequest: () => ({ method: "GET" as const, path: `${path}?limit=${limit}`, headers }),
    baselineRequest: () => ({ path: `${baselinePath}?n=${limit}` }),
  });
  return [
    {
      name: "get a patient",
      status: 200,
      databaseRequests: 1,
      cpuLimit: 1.6,
      apiRequest: () => ({ path: `/api/patients/${randomId()}/`, headers }),
      baselineRequest: () => ({ path: `/patient?n=${randomId()}` }),
    },
    { ...list("list 50 patients", "/api/patients/", "/patients", 50), cpuLimit: 1.15 },
    { ...list("list 200 patients", "/api/patients/", "/patients", 200), cpuLimit: 0.75 },
    {
      name: "create a patient",
      status: 201,
      databaseRequests: 1,
      cpuLimit: 1.6,
      apiRequest: () => ({
        method: "POST",
        path: "/api/patients/",
        headers: jsonHeaders,
        body: newPatient(),
      }),
      baselineRequest: () => ({ method: "POST", path: "/create", headers: jsonHeaders, body: newPatient() }),
      baselineStatus: 201,
    },
    {
      name: "update a patient",
      status: 200,
      databaseRequests: 1,
      apiRequest: () => ({
        method: "PATCH",
        path: `/api/patients/${randomId()}/`,
        headers: jsonHeaders,
        body: newAge(),
      }),
      baselineRequest: () => ({
        method: "PATCH",
        path: `/update?n=${randomId()}`,
        headers: jsonHeaders,
        body: newAge(),
      }),
    },
    {
      name: "delete a patient",
      status: 204,
      databaseRequests: 1,
      apiRequest: () => ({ method: "DELETE", path: `/api/patients/${idsToDelete.pop()}/`, headers }),
      baselineRequest: () => ({ method: "DELETE", path: `/delete?n=${idsToDelete.pop()}` }),
      async prepare(count) {
        const first = patientCount + 1;
        patientCount += count;
        const { rows } = await withClient(database.ownerUrl, (client) =>
          client.query(insertPatients, [first, patientCount, accountId]),
        );
        idsToDelete.splice(0, idsToDelete.length, ...rows.map(({ id }) => id));
      },
    },
    {
      name: "get a patient's doctors",
      status: 200,
      databaseRequests: 1,
      apiRequest: () => ({ path: `/api/mappings/${randomId()}/`, headers }),
      baselineRequest: () => ({ path: `/doctors?n=${randomId()}` }),
    },
    list("list 50 assignments", "/api/mappings/", "/assignments", 50),
    { ...list("list 200 assignments", "/api/mappings/", "/assignments", 200), cpuLimit: 1 },
  ];
}

const insertPatients = `
  INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
  SELECT 'Ida', 'Bauer', 'bench.' || n || '@example.org', 33, 'F', $3::integer, $3::integer
  FROM generate_series($1::integer, $2::integer) n RETURNING id`;

/** A login, compared with one bcrypt comparison of the same password. */
const loginRequestKind = ({ username, password }: BenchCaller): RequestKind => ({
  name: "login",
  status: 200,
  databaseRequests: 2,
  cpuLimit: 1.05,
  apiRequest: () => ({
    method: "POST",
    path: "/api/auth/login/",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  }),
  baselineRequest: () => ({ method: "POST", path: "/bcrypt" }),
});

/** Requests that are refused without a request to the database, compared with an empty response. */
export function refusedRequestKinds({ token }: BenchCaller): RequestKind[] {
  const headers = { Authorization: `Bearer ${token}` };
  const jsonHeaders = { ...headers, "Content-Type": "application/json" };
  const body = JSON.stringify({ firstname: "", lastname: "Bauer", email: "ida", age: 200, gender: "F" });
  /** `name` begins with the status. */
  const refused = (name: string, cpuLimit: number, request: autocannon.Request): RequestKind => ({
    name,
    status: Number.parseInt(name, 10),
    databaseRequests: 0,
    cpuLimit,
    apiRequest: () => ({ ...request }),
    baselineRequest: () => ({ ...request, path: "/empty" }),
  });
  return [
    refused("401", 3, { path: "/api/patients/1/" }),
    refused("404 without a token", 3, { path: "/api/nothing/" }),
    // On most routes the 401 comes before the 405.
    refused("405", 3, { path: "/api/auth/login/" }),
    refused("400", 5, { method: "POST", path: "/api/patients/", headers: jsonHeaders, body }),
    refused("404 with a token", 5, { path: "/api/patients/none/", headers }),
  ];
}
