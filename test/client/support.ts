import { randomUUID } from "node:crypto";
import { type ClientOptions, createClient } from "../../client/index.ts";

/** A name that no other test has. */
export const unique = (prefix: string): string => `${prefix}${randomUUID().replaceAll("-", "").slice(0, 16)}`;

export const PASSWORD = "correct horse battery";

/** Pauses that a test does not wait for long. */
const quick = { delay: 20, maxDelay: 100, deadline: 20_000, attempts: 8 };

/** A client that has just signed up. */
export async function signUp(url: string, options: Partial<ClientOptions> = {}) {
  const username = unique("user-");
  const api = createClient({ url, retry: quick, ...options });
  await api.register({ username, email: `${username}@example.org`, password: PASSWORD });
  await api.login({ username, password: PASSWORD });
  return api;
}

export const newPatient = (fields: { lastname?: string; email?: string; age?: number } = {}) => ({
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
