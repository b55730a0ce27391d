import type { TestAccount } from "../support/accounts.ts";

export const NDJSON = "application/x-ndjson";
export const CSV = "text/csv";

/** Requests an export, in the media type of `accept`. @returns the answer */
export const exported = (account: TestAccount, accept?: string) =>
  account.get("/api/patients/export/", accept === undefined ? {} : { headers: { Accept: accept } });

/** Imports a file. @returns the answer */
export const imported = (account: TestAccount, raw: BodyInit, type = NDJSON, query = "", headers = {}) =>
  account.post(`/api/patients/import/${query}`, undefined, {
    raw,
    headers: { "Content-Type": type, ...headers },
  });
/** The patients of an account, at most 200, as the API returns them. */
export const patientRecordsOf = async (account: TestAccount) =>
  (await account.get("/api/patients/?limit=200")).body;
/** The fields of patients that a client writes. */
export const withoutIds = (patients: Record<string, unknown>[]) =>
  patients.map(({ firstname, lastname, email, age, gender }) => ({
    firstname,
    lastname,
    email,
    age,
    gender,
  }));
