import type { Account } from "../support/accounts.ts";

export const NDJSON = "application/x-ndjson";
export const CSV = "text/csv";

/** What an export answers, in the form that `accept` asks for. */
export const exported = (account: Account, accept?: string) =>
  account.get("/api/patients/export/", accept === undefined ? {} : { headers: { Accept: accept } });
