import { type Memory, newName, pick } from "./memory.ts";

/** A request of the mix, and what its answer is compared with. */
export interface Planned {
  method: string;
  path: string;
  /** A JSON object, or the text of an NDJSON file. */
  body?: Record<string, unknown> | string;
  headers?: Record<string, string>;
  /** The action of its audit event; null when it has none. */
  action: string | null;
  /** The statuses that it may get when the database answers. */
  may: number[];
  /** The patients or doctors that it creates. */
  creates?: Record<string, unknown>[];
  /** The id of the patient or the doctor in the request. */
  patient?: number;
  doctor?: number;
}

export interface Answered {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: each kind of answer has another body
  body: any;
}

/** An id that does not exist, for requests when the account has no record yet. */
const UNKNOWN_ID = 2_147_483_647;

/** The kinds of requests, and their weights. */
const plans: [weight: number, plan: (of: Memory) => Planned][] = [
  [12, () => ({ method: "GET", path: "/api/patients/?limit=20", action: "list", may: [200] })],
  [6, () => ({ method: "GET", path: "/api/doctors/?limit=20", action: null, may: [200] })],
  [12, (of) => reading(anyPatient(of))],
  [4, () => reading(UNKNOWN_ID)],
  [12, (of) => creation("patients", newPatient(of))],
  [10, (of) => withKey(of, creation("patients", newPatient(of)))],
  [3, (of) => creation("doctors", newDoctor(of))],
  [3, (of) => withKey(of, creation("doctors", newDoctor(of)))],
  [8, (of) => repeated(pick(of, of.keyed)) ?? withKey(of, importing(of))],
  [12, (of) => change(of, anyPatient(of))],
  [8, (of) => conditionalChange(of, anyPatient(of))],
  [5, (of) => patchDoctor(of, pick(of, of.doctors) ?? UNKNOWN_ID)],
  [6, (of) => deletion(of, anyPatient(of))],
  [5, (of) => restoring(pick(of, of.deleted) ?? UNKNOWN_ID)],
  [7, (of) => assignment(of)],
  [4, (of) => withKey(of, assignment(of))],
  [4, (of) => unassignment(pick(of, of.assignments) ?? { id: UNKNOWN_ID, patient: UNKNOWN_ID })],
  [3, (of) => withKey(of, importing(of))],
  [3, (of) => login(of.name)],
];
const weights = plans.reduce((sum, [weight]) => sum + weight, 0);

/** The next request of an account. */
export function nextPlanned(memory: Memory): Planned {
  let left = memory.random() * weights;
  for (const [weight, plan] of plans) {
    left -= weight;
    if (left < 0) return plan(memory);
  }
  throw new Error("A number from 0 to 1 was 1, or more.");
}

const anyPatient = (of: Memory): number => pick(of, [...of.patients.keys()]) ?? UNKNOWN_ID;

function newPatient(of: Memory) {
  const lastname = newName(of);
  return { firstname: "Ada", lastname, email: `${lastname}@example.org`, age: 36, gender: "F" };
}

function newDoctor(of: Memory) {
  const lastname = newName(of);
  const email = `${lastname}@example.org`;
  return { firstname: "Gregory", lastname, email, gender: "M", specialization: "NEUR", active: true };
}

const reading = (patient: number): Planned => ({
  method: "GET",
  path: `/api/patients/${patient}/`,
  action: "read",
  may: patient === UNKNOWN_ID ? [404] : [200, 404],
  patient,
});

const creation = (list: "patients" | "doctors", body: Record<string, unknown>): Planned => ({
  method: "POST",
  path: `/api/${list}/`,
  body,
  action: "create",
  may: [201],
  creates: [body],
});

function importing(of: Memory): Planned {
  const creates = [newPatient(of), newPatient(of)];
  const body = creates.map((one) => JSON.stringify(one)).join("\n");
  const headers = { "Content-Type": "application/x-ndjson" };
  return {
    method: "POST",
    path: "/api/patients/import/",
    body,
    headers,
    action: "import",
    may: [201],
    creates,
  };
}

/** The same request with an idempotency key, which may be sent again later. */
function withKey(of: Memory, planned: Planned): Planned {
  const keyed = { ...planned, headers: { ...planned.headers, "Idempotency-Key": newName(of) } };
  of.keyed.push(keyed);
  return keyed;
}

/** Sends a request with a key again. What the first one created may have been deleted meanwhile: then it gets 409. */
const repeated = (planned: Planned | undefined): Planned | undefined =>
  planned && { ...planned, may: [...planned.may, 409] };

const change = (of: Memory, patient: number): Planned => ({
  method: "PATCH",
  path: `/api/patients/${patient}/`,
  body: { lastname: newName(of) },
  action: "update",
  may: [200, 404],
  patient,
});

/**
 * The version in If-Match may be outdated by another change, or by one that was not acknowledged; or it is the first.
 */
const conditionalChange = (of: Memory, patient: number): Planned => ({
  ...change(of, patient),
  headers: { "If-Match": (of.random() < 0.8 && of.patients.get(patient)) || '"1"' },
  may: [200, 404, 412],
});

const patchDoctor = (of: Memory, doctor: number): Planned => ({
  method: "PATCH",
  path: `/api/doctors/${doctor}/`,
  body: { lastname: newName(of) },
  action: "update",
  may: [200, 404],
  doctor,
});

function deletion(of: Memory, patient: number): Planned {
  of.deleted.push(patient);
  const path = `/api/patients/${patient}/`;
  return { method: "DELETE", path, action: "delete", may: [204, 404], patient };
}

const restoring = (patient: number): Planned => ({
  method: "POST",
  path: `/api/patients/${patient}/restore/`,
  action: "restore",
  may: [200, 404],
  patient,
});

function assignment(of: Memory): Planned {
  const body = { patient: anyPatient(of), doctor: pick(of, of.doctors) ?? UNKNOWN_ID };
  return {
    method: "POST",
    path: "/api/mappings/",
    body,
    action: "assign",
    may: [201, 400, 409],
    patient: body.patient,
  };
}

const unassignment = ({ id, patient }: { id: number; patient: number }): Planned => ({
  method: "DELETE",
  path: `/api/mappings/${id}/`,
  action: "unassign",
  may: [204, 404],
  patient,
});

const PASSWORD = "correct horse battery";

export const registration = (username: string): Planned => ({
  method: "POST",
  path: "/api/auth/register/",
  body: { username, email: `${username}@example.org`, password: PASSWORD },
  action: "register",
  may: [201],
});

export const login = (username: string): Planned => ({
  method: "POST",
  path: "/api/auth/login/",
  body: { username, password: PASSWORD },
  action: "login",
  may: [200],
});
