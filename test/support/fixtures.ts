import { neon, neonConfig } from "@neondatabase/serverless";
import { inject } from "vitest";
import type { Answer, Api, Options } from "./api.ts";

/** Names that no other test has. */
export const unique = (prefix: string): string =>
  `${prefix}${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

export const PASSWORD = "correct horse battery";

/** An account with a session; its calls carry the session's token. */
export interface Account {
  id: number;
  username: string;
  access: string;
  refresh: string;
  get(path: string, options?: Options): Promise<Answer>;
  post(path: string, body?: unknown, options?: Options): Promise<Answer>;
  put(path: string, body?: unknown, options?: Options): Promise<Answer>;
  patch(path: string, body?: unknown, options?: Options): Promise<Answer>;
  delete(path: string, options?: Options): Promise<Answer>;
}

/** Registers an account and logs it in. */
export async function signUp(api: Api, username = unique("user-")): Promise<Account> {
  const registered = await api.post("/api/auth/register/", {
    username,
    email: `${username}@example.org`,
    password: PASSWORD,
  });
  const { access, refresh } = await logIn(api, username);
  const as = (options?: Options) => ({ token: access, ...options });
  return {
    id: registered.body.id,
    username,
    access,
    refresh,
    get: (path, options) => api.get(path, as(options)),
    post: (path, body, options) => api.post(path, body, as(options)),
    put: (path, body, options) => api.put(path, body, as(options)),
    patch: (path, body, options) => api.patch(path, body, as(options)),
    delete: (path, options) => api.delete(path, as(options)),
  };
}

/** A new session of an account that `signUp` made. */
export async function logIn(api: Api, username: string): Promise<{ access: string; refresh: string }> {
  const answer = await api.post("/api/auth/login/", { username, password: PASSWORD });
  if (answer.status !== 200)
    throw new Error(`login answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A valid patient, with an email of its own. */
export const newPatient = (fields: Record<string, unknown> = {}) => ({
  firstname: "Ada",
  lastname: "Lovelace",
  email: `${unique("patient-")}@example.org`,
  age: 36,
  gender: "F",
  ...fields,
});

/** A valid doctor, with an email of its own. */
export const newDoctor = (fields: Record<string, unknown> = {}) => ({
  firstname: "Gregory",
  lastname: "House",
  email: `${unique("doctor-")}@example.org`,
  gender: "M",
  specialization: "NEUR",
  ...fields,
});

/** Creates what `path` lists and gives back the record. */
export async function create(account: Account, path: string, body: unknown) {
  const answer = await account.post(path, body);
  if (answer.status !== 201)
    throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What an operator does in the database itself, as its owner. */
export function asOwner(strings: TemplateStringsArray, ...values: unknown[]) {
  const { ownerUrl, endpointOrigin } = inject("cloud");
  neonConfig.fetchEndpoint = `${endpointOrigin}/sql`;
  return neon(ownerUrl)(strings, ...values);
}
