import type autocannon from "autocannon";
import { withClient } from "../ops/command.ts";
import type { BenchCaller } from "./caller.ts";

/** Which statement the baseline sends: see baseline-statements.ts. */
export type BaselineVariant = "bare" | "floor";

/** A kind of request that is measured, and the request to the baseline that it is compared with. */
export interface RequestKind {
  name: string;
  /** The status of the API's response. */
  status: number;
  /** How many requests to the database one request makes. */
  databaseRequests: 0 | 1 | 2;
  /** The budget for the Worker's CPU, API / bare. */
  workerCpuLimit?: number;
  /** The budget for PostgreSQL's CPU, API / floor. Only kinds that have it are compared with the floor. */
  postgresCpuLimit?: number;
  /** Returns the next request to the API. */
  apiRequest: () => autocannon.Request;
  /** Returns the next request to the baseline. */
  baselineRequest: (variant: BaselineVariant) => autocannon.Request;
  /** The status of the baseline's response. Default: 200. */
  baselineStatus?: number;
  /** Inserts the rows that the next `count` requests will delete. */
  prepare?: (count: number) => Promise<void>;
}

/** How many patients were added so far. It makes each email unique. */
let patientCount = 0;

/** A last name that no other patient has: a creation also reads the patients of the same name, of which a clinic has few. */
const uniqueLastname = (n: number): string =>
  `Bauer${[...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("")}`;

/** The kinds of requests that read and change patients and assignments. */
export function dataRequestKinds(caller: BenchCaller): RequestKind[] {
  const { database, token, accountId, patientIds, patientIdsWithAge } = caller;
  const headers = { Authorization: `Bearer ${token}` };
  const jsonHeaders = { ...headers, "Content-Type": "application/json" };
  const randomId = (ids = patientIds) => ids[Math.floor(Math.random() * ids.length)];
  const newPatient = (): string => {
    patientCount += 1;
    const email = `bench.${patientCount}@example.org`;
    return JSON.stringify({
      firstname: "Ida",
      lastname: uniqueLastname(patientCount),
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
    baselineRequest: (variant: BaselineVariant) => ({ path: `/${variant}${baselinePath}?n=${limit}` }),
  });
  return [
    {
      name: "get a patient",
      status: 200,
      databaseRequests: 1,
      workerCpuLimit: 1.35,
      postgresCpuLimit: 1,
      apiRequest: () => ({ path: `/api/patients/${randomId()}/`, headers }),
      baselineRequest: (variant) => ({ path: `/${variant}/patient?n=${randomId()}` }),
    },
    {
      ...list("list 50 patients", "/api/patients/", "/patients", 50),
      workerCpuLimit: 1.1,
      postgresCpuLimit: 1.2,
    },
    {
      ...list("list 200 patients", "/api/patients/", "/patients", 200),
      workerCpuLimit: 0.7,
      postgresCpuLimit: 1.5,
    },
    {
      name: "create a patient",
      status: 201,
      databaseRequests: 1,
      workerCpuLimit: 1.5,
      postgresCpuLimit: 1.3,
      apiRequest: () => ({
        method: "POST",
        path: "/api/patients/",
        headers: jsonHeaders,
        body: newPatient(),
      }),
      baselineRequest: (variant) => ({
        method: "POST",
        path: `/${variant}/create`,
        headers: jsonHeaders,
        body: newPatient(),
      }),
      baselineStatus: 201,
    },
    {
      name: "update a patient",
      status: 200,
      databaseRequests: 1,
      postgresCpuLimit: 1.3,
      apiRequest: () => ({
        method: "PATCH",
        path: `/api/patients/${randomId(patientIdsWithAge)}/`,
        headers: jsonHeaders,
        body: newAge(),
      }),
      baselineRequest: (variant) => ({
        method: "PATCH",
        path: `/${variant}/update?n=${randomId(patientIdsWithAge)}`,
        headers: jsonHeaders,
        body: newAge(),
      }),
    },
    {
      name: "delete a patient",
      status: 204,
      databaseRequests: 1,
      apiRequest: () => ({ method: "DELETE", path: `/api/patients/${idsToDelete.pop()}/`, headers }),
      baselineRequest: () => ({ method: "DELETE", path: `/bare/delete?n=${idsToDelete.pop()}` }),
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
      baselineRequest: () => ({ path: `/bare/doctors?n=${randomId()}` }),
    },
    list("list 50 assignments", "/api/mappings/", "/assignments", 50),
    {
      ...list("list 200 assignments", "/api/mappings/", "/assignments", 200),
      workerCpuLimit: 1,
      postgresCpuLimit: 1.2,
    },
  ];
}

const insertPatients = `
  INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
  SELECT 'Ida', 'Bauer', 'bench.' || n || '@example.org', 33, 'F', $3::integer, $3::integer
  FROM generate_series($1::integer, $2::integer) n RETURNING id`;
