import type autocannon from "autocannon";
import type { BenchCaller } from "./caller.ts";
import { dataRequestKinds, type RequestKind } from "./request-kinds.ts";

// The kinds of requests that are compared with a Worker that uses no database.

/** Requests that the API accepts: the login, and those that read and change patients and assignments. */
export const acceptedRequestKinds = (caller: BenchCaller): RequestKind[] => [
  ...dataRequestKinds(caller),
  loginRequestKind(caller),
];

/** A login, compared with one bcrypt comparison of the same password. */
const loginRequestKind = ({ username, password }: BenchCaller): RequestKind => ({
  name: "login",
  status: 200,
  databaseRequests: 2,
  workerCpuLimit: 1.05,
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
  const refused = (name: string, workerCpuLimit: number, request: autocannon.Request): RequestKind => ({
    name,
    status: Number.parseInt(name, 10),
    databaseRequests: 0,
    workerCpuLimit,
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
