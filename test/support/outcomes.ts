import type { Api } from "./api.ts";
import { type Account, create, newDoctor, newPatient, PASSWORD, signUp, unique } from "./fixtures.ts";

/** What one request comes to, on which route, when; and how many database requests that takes. */
export interface Outcome {
  /** Method and path; `{name}` in it stands for an id of the ward, or for one that is none. */
  route: string;
  when: string;
  status: number;
  requests: number;
  body?: (ward: Ward) => unknown;
}

export type Ward = Awaited<ReturnType<typeof openWard>>;

/** An account with all that it can meet: its own, another's, and what its requests can collide with. */
export async function openWard(api: Api) {
  const nurse = await signUp(api);
  const other = await signUp(api);
  const mine = await furnish(nurse);
  const theirs = await furnish(other);
  const secondPatient = await create(nurse, "/api/patients/", newPatient());
  const freeDoctor = await create(nurse, "/api/doctors/", newDoctor());
  const ids: Record<string, string> = {
    patient: mine.patient.id,
    doctor: mine.doctor.id,
    assignment: mine.assignment.id,
    theirPatient: theirs.patient.id,
    theirDoctor: theirs.doctor.id,
    theirAssignment: theirs.assignment.id,
    freeDoctor: freeDoctor.id,
    gone: "2147483647",
    bad: "2147483648",
  };
  return { api, nurse, other, ids, mine, theirs, secondPatient, freeDoctor };
}

async function furnish(account: Account) {
  const patient = await create(account, "/api/patients/", newPatient());
  const doctor = await create(account, "/api/doctors/", newDoctor());
  const ids = { patient: patient.id, doctor: doctor.id };
  return { patient, doctor, assignment: await create(account, "/api/mappings/", ids) };
}

/** Sends an outcome's request, with the nurse's token. */
export function send({ route, body }: Outcome, ward: Ward) {
  const [method = "", template = ""] = route.split(" ");
  const path = template.replace(/\{(\w+)\}/, (_, name: string) => ward.ids[name] ?? name);
  return ward.api.request(method, path, body?.(ward), { token: ward.nurse.access });
}

const outcome = (
  route: string,
  when: string,
  status: number,
  requests: number,
  body?: (ward: Ward) => unknown,
): Outcome => ({ route, when, status, requests, ...(body && { body }) });

const login = (username: string, password = PASSWORD) => ({ username, password });
const account = (username: string) => ({ ...login(username), email: "nurse@example.org" });

const ofAccounts = [
  outcome("POST /api/auth/register/", "all is well", 201, 1, () => account(unique("user-"))),
  outcome("POST /api/auth/register/", "the username is taken", 409, 1, (w) => account(w.nurse.username)),
  outcome("POST /api/auth/register/", "nothing is sent", 400, 0, () => ({})),
  outcome("POST /api/auth/login/", "all is well", 200, 2, (w) => login(w.nurse.username)),
  outcome("POST /api/auth/login/", "the password is wrong", 401, 1, (w) => login(w.nurse.username, "wrong")),
  outcome("POST /api/auth/login/", "there is no such account", 401, 1, () => login(unique("user-"))),
  outcome("POST /api/auth/login/", "nothing is sent", 400, 0, () => ({})),
  outcome("POST /api/auth/refresh/", "all is well", 200, 1, (w) => ({ refresh: w.nurse.refresh })),
  outcome("POST /api/auth/refresh/", "the token is unknown", 401, 1, () => ({ refresh: "unknown" })),
  outcome("POST /api/auth/refresh/", "nothing is sent", 400, 0, () => ({})),
  outcome("POST /api/auth/logout/", "all is well", 204, 1, (w) => ({ refresh: w.nurse.refresh })),
  outcome("POST /api/auth/logout/", "it is another's session", 400, 1, (w) => ({ refresh: w.other.refresh })),
  outcome("POST /api/auth/logout/", "nothing is sent", 400, 0, () => ({})),
  outcome("GET /api/auth/me/", "all is well", 200, 1),
  outcome("GET /healthz", "all is well", 200, 0),
  outcome("GET /readyz", "all is well", 200, 1),
];

const changes = (method: string) => [
  outcome(`${method} /api/patients/{patient}/`, "all is well", 200, 1, () => ({ age: 37 })),
  outcome(`${method} /api/patients/{patient}/`, "its email is taken", 409, 1, (w) => ({
    email: w.secondPatient.email,
  })),
  outcome(`${method} /api/patients/{patient}/`, "a field is not valid", 400, 0, () => ({ age: 121 })),
  outcome(`${method} /api/patients/{gone}/`, "there is none", 404, 1, () => ({ age: 37 })),
  outcome(`${method} /api/patients/{theirPatient}/`, "it is another's", 404, 1, () => ({ age: 37 })),
  outcome(`${method} /api/patients/{bad}/`, "it cannot be an id", 404, 0, () => ({ age: 37 })),
  outcome(`${method} /api/doctors/{doctor}/`, "all is well", 200, 1, () => ({ lastname: "Cuddy" })),
  outcome(`${method} /api/doctors/{doctor}/`, "its email is taken", 409, 1, (w) => ({
    email: w.theirs.doctor.email,
  })),
  outcome(`${method} /api/doctors/{doctor}/`, "a field is not valid", 400, 0, () => ({ lastname: "" })),
  outcome(`${method} /api/doctors/{gone}/`, "there is none", 404, 1, () => ({ lastname: "Cuddy" })),
  outcome(`${method} /api/doctors/{theirDoctor}/`, "it is another's", 403, 1, () => ({ lastname: "Cuddy" })),
  outcome(`${method} /api/doctors/{bad}/`, "it cannot be an id", 404, 0, () => ({ lastname: "Cuddy" })),
];

const ofPatients = [
  outcome("POST /api/patients/", "all is well", 201, 1, () => newPatient()),
  outcome("POST /api/patients/", "its email is taken", 409, 1, (w) =>
    newPatient({ email: w.mine.patient.email }),
  ),
  outcome("POST /api/patients/", "nothing is sent", 400, 0, () => ({})),
];

const ofDoctors = [
  outcome("POST /api/doctors/", "all is well", 201, 1, () => newDoctor()),
  outcome("POST /api/doctors/", "its email is taken", 409, 1, (w) =>
    newDoctor({ email: w.theirs.doctor.email }),
  ),
  outcome("POST /api/doctors/", "nothing is sent", 400, 0, () => ({})),
  outcome("GET /api/doctors/{theirDoctor}/", "it is another's", 200, 1),
  outcome("DELETE /api/doctors/{freeDoctor}/", "all is well", 204, 1),
  outcome("DELETE /api/doctors/{doctor}/", "it has patients", 409, 1),
  outcome("DELETE /api/doctors/{theirDoctor}/", "it is another's", 403, 1),
];

const assignment = (patient: string, doctor: string) => (w: Ward) => ({
  patient: Number(w.ids[patient]),
  doctor: Number(w.ids[doctor]),
});

const ofAssignments = [
  outcome("POST /api/mappings/", "all is well", 201, 1, assignment("patient", "freeDoctor")),
  outcome("POST /api/mappings/", "it is there already", 409, 1, assignment("patient", "doctor")),
  outcome("POST /api/mappings/", "the patient is another's", 400, 1, assignment("theirPatient", "doctor")),
  outcome("POST /api/mappings/", "there is no such doctor", 400, 1, assignment("patient", "gone")),
  outcome("POST /api/mappings/", "nothing is sent", 400, 0, () => ({})),
];

/** What every list, and every path that names a record to read or to end, has in common. */
const lists = ["patients", "doctors", "mappings"].flatMap((list) => [
  outcome(`GET /api/${list}/`, "all is well", 200, 1),
  outcome(`GET /api/${list}/?limit=1`, "it is a page", 200, 1),
  outcome(`GET /api/${list}/?limit=0`, "the limit is not valid", 400, 0),
  outcome(`GET /api/${list}/?cursor=x`, "the cursor is not valid", 400, 0),
]);

const records = [
  ["GET /api/patients/", "/", "patient", "theirPatient", 200],
  ["DELETE /api/patients/", "/", "patient", "theirPatient", 204],
  ["GET /api/mappings/", "/", "patient", "theirPatient", 200],
  ["DELETE /api/mappings/", "/", "assignment", "theirAssignment", 204],
  ["DELETE /api/mappings/", "/delete/", "assignment", "theirAssignment", 204],
  ["GET /api/doctors/", "/", "doctor", undefined, 200],
  ["DELETE /api/doctors/", "/", undefined, undefined, 204],
] as const;

const ofRecords = records.flatMap(([start, end, own, theirs, status]) => [
  ...(own ? [outcome(`${start}{${own}}${end}`, "all is well", status, 1)] : []),
  ...(theirs ? [outcome(`${start}{${theirs}}${end}`, "it is another's", 404, 1)] : []),
  outcome(`${start}{gone}${end}`, "there is none", 404, 1),
  outcome(`${start}{bad}${end}`, "it cannot be an id", 404, 0),
]);

/** Every route of the contract, with every outcome that is the route's own. */
export const outcomes: Outcome[] = [
  ...ofAccounts,
  ...lists,
  ...ofRecords,
  ...ofPatients,
  ...ofDoctors,
  ...ofAssignments,
  ...changes("PUT"),
  ...changes("PATCH"),
];
