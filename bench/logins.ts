import { withClient } from "../ops/command.ts";
import { drive, spread } from "./measure.ts";
import type { Login } from "./results.ts";
import type { Bench } from "./servers.ts";

const [ROUNDS, QUICK_ROUNDS] = [30, 3];
/** How many requests of each are sent before: the first ones find nothing prepared. */
const WARM_UP = 3;
const NOBODY = "nobody.of.that.name";

/** How long a login takes that is refused, for whatever reason: one after another, the reasons in turns. */
export async function measureLogins({ servers, serveProduct, settings, step }: Bench) {
  const database = await servers.fill({ patients: 10, accounts: 3 });
  const side = await serveProduct(database);
  const [, known] = database.accounts;
  if (!known) throw new Error("There is no account to log in to.");
  return withClient(database.ownerUrl, async (client) => {
    const { rows: others } = await client.query(
      "UPDATE users SET active = false WHERE id <> ALL ($1) RETURNING username",
      [database.accounts.map(({ id }) => id)],
    );
    const reasons = [
      { reason: "a wrong password", username: known.username, isBlocked: false },
      { reason: "no such account", username: NOBODY, isBlocked: false },
      { reason: "disabled", username: String(others[0]?.username), isBlocked: false },
      { reason: "too many failures", username: known.username, isBlocked: true },
      { reason: "too many failures, no such account", username: NOBODY, isBlocked: true },
    ];
    const times = new Map<string, number[]>(reasons.map(({ reason }) => [reason, []]));
    const rounds = WARM_UP + (settings.quick ? QUICK_ROUNDS : ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      step("refused logins", round / rounds);
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
        const next = () => ({ method: "POST", path: "/api/auth/login/", headers, body }) as const;
        const taken = await drive({ side, next, status: isBlocked ? 429 : 401, connections: 1 }, 1);
        if (round >= WARM_UP) times.get(reason)?.push(...taken.times);
      }
    }
    const rows: Login[] = [...times].map(([reason, all]) => ({ reason, ms: spread(all) }));
    return { rows };
  });
}
