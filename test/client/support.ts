import { randomUUID } from "node:crypto";
import { type ClientOptions, createClient, type NewPatient } from "../../client/index.ts";

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}${randomUUID().replaceAll("-", "").slice(0, 16)}`;

/**
 * The longest timeout for the database: a slow machine then gets no 503, and so no request more than a test expects.
 */
export const slowDatabase = { DATABASE_TIMEOUT_MS: 60_000 };

export const PASSWORD = "correct horse battery";

/** Almost no pauses, and the usual deadline: no outcome depends on how fast the machine is. */
const retry = { delay: 1, attempts: 8 };

/** Registers an account and logs in. @returns the client, with its session */
export async function signUp(url: string, options: Partial<ClientOptions> = {}) {
  const username = unique("user-");
  const api = createClient({ url, retry, ...options });
  await api.register({ username, email: `${username}@example.org`, password: PASSWORD });
  await api.login({ username, password: PASSWORD });
  return api;
}

export const newPatient = (fields: Partial<NewPatient> = {}) => ({
  firstname: "Ada",
  lastname: "Lovelace",
  email: `${unique("patient-")}@example.org`,
  age: 36,
  gender: "F" as const,
  ...fields,
});

export const newDoctor = () => ({
  firstname: "Gregory",
  lastname: "House",
  email: `${unique("doctor-")}@example.org`,
  gender: "M" as const,
  specialization: "NEUR" as const,
});
