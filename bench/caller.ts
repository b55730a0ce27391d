import type { DemoAccount } from "../local/demo-accounts.ts";
import { withClient } from "../ops/command.ts";
import type { BenchDatabase, BenchWorker } from "./servers.ts";

/** An account that is logged in, and what the requests need to know of it. Valid as long as its access token. */
export interface BenchCaller {
  database: BenchDatabase;
  token: string;
  username: string;
  password: string;
  accountId: number;
  /** The ids of the account's patients. */
  patientIds: number[];
  /** The ids of those that have an age. The others have a birth date, which an age must not contradict. */
  patientIdsWithAge: number[];
}

/** Logs in an account; by default the one that has the most patients. */
export async function logInCaller(
  database: BenchDatabase,
  api: BenchWorker,
  account: DemoAccount | undefined = database.accounts[1],
): Promise<BenchCaller> {
  const { username = "", password = "", id: accountId = 0 } = account ?? {};
  const response = await fetch(`${api.origin}/api/auth/login/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  if (!response.ok) throw new Error(`The login of ${username} returned ${response.status}.`);
  const { access } = (await response.json()) as { access: string };
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query("SELECT id, age FROM patients WHERE owner_id = $1", [accountId]),
  );
  const patientIds = rows.map(({ id }) => id);
  const patientIdsWithAge = rows.filter(({ age }) => age !== null).map(({ id }) => id);
  return { database, token: access, username, password, accountId, patientIds, patientIdsWithAge };
}
