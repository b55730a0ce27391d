import type { Account } from "../support/accounts.ts";

export const NDJSON = "application/x-ndjson";
export const CSV = "text/csv";

/** What an export answers, in the form that `accept` asks for. */
export const exported = (account: Account, accept?: string) =>
  account.get("/api/patients/export/", accept === undefined ? {} : { headers: { Accept: accept } });

/** What an import of a file answers. */
export const imported = (account: Account, raw: string, type = NDJSON, query = "", headers = {}) =>
  account.post(`/api/patients/import/${query}`, undefined, {
    raw,
    headers: { "Content-Type": type, ...headers },
  });
/** The first patients of an account, as they are read. */
export const patientsOf = async (account: Account) => (await account.get("/api/patients/?limit=200")).body;
/** Patients as a client writes them. */
export const withoutIds = (patients: Record<string, unknown>[]) =>
  patients.map(({ firstname, lastname, email, age, gender }) => ({
    firstname,
    lastname,
    email,
    age,
    gender,
  }));
