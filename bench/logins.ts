import { withClient } from "../ops/command.ts";
import { quartilesOf, sendRequests } from "./measure.ts";
import type { RefusedLoginRow } from "./results.ts";
import type { BenchContext } from "./servers.ts";

const [LOGIN_ROUNDS, QUICK_LOGIN_ROUNDS] = [30, 3];
/** Rounds that are not counted: the first requests are slower, because nothing is prepared yet. */
const LOGIN_WARM_UP_ROUNDS = 3;
const UNKNOWN_USERNAME = "nobody.of.that.name";

/** Measures how long a refused login takes, for each reason to refuse it: one after another, the reasons in turns. */
export async function measureLogins({ servers, serveApi, settings, showProgress }: BenchContext) {
  const database = await servers.createDatabase({ patients: 10, accounts: 3 });
  const worker = await serveApi(database);
  const [, account] = database.accounts;
  if (!account) throw new Error("There is no account to log in to.");
  return withClient(database.ownerUrl, async (client) => {
    const { rows: disabledAccounts } = await client.query(
      "UPDATE users SET active = false WHERE id <> ALL ($1) RETURNING username",
      [database.accounts.map(({ id }) => id)],
    );
    const reasons = [
      { reason: "wrong password", username: account.username, isBlocked: false },
      { reason: "unknown username", username: UNKNOWN_USERNAME, isBlocked: false },
      { reason: "disabled account", username: String(disabledAccounts[0]?.username), isBlocked: false },
      { reason: "lockout", username: account.username, isBlocked: true },
      { reason: "lockout, unknown username", username: UNKNOWN_USERNAME, isBlocked: true },
    ];
    const times = new Map<string, number[]>(reasons.map(({ reason }) => [reason, []]));
    const rounds = LOGIN_WARM_UP_ROUNDS + (settings.quick ? QUICK_LOGIN_ROUNDS : LOGIN_ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      showProgress("refused logins", round / rounds);
      for (const { reason, username, isBlocked } of reasons) {
        await client.query("DELETE FROM login_attempts");
        if (isBlocked)
          await client.query(
            `INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
             VALUES (lower($1), '', 15, now(), now() + interval '1 hour')`,
            [username],
          );
        const body = JSON.stringify({ username, password: "not the password" });
        const headers = { "Content-Type": "application/json" };
        const nextRequest = () => ({ method: "POST", path: "/api/auth/login/", headers, body }) as const;
        const load = { worker, nextRequest, status: isBlocked ? 429 : 401, connections: 1 };
        const result = await sendRequests(load, 1);
        if (round >= LOGIN_WARM_UP_ROUNDS) times.get(reason)?.push(...result.times);
      }
    }
    const rows: RefusedLoginRow[] = [...times].map(([reason, all]) => ({ reason, ms: quartilesOf(all) }));
    return { rows };
  });
}
