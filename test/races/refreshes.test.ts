import { expect, test } from "vitest";
import { insertRefreshToken, newAccount } from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { atOnce, connectWithoutLimits, raceBehind, tally } from "../support/races.ts";

const api = connectWithoutLimits();
const refreshWith = (refresh: string) => api.post("/api/auth/refresh/", { refresh });
const lockSessions = ({ id }: { id: number }) =>
  holdLock("SELECT FROM sessions WHERE user_id = $1 FOR UPDATE", [id]);

test("30 refreshes with one token at once get the same refresh token, and 29 of them are audited as repeated", async () => {
  const nurse = await newAccount(api);
  const refresh = await insertRefreshToken(nurse);
  const answers = await raceBehind(await lockSessions(nurse), 30, () =>
    atOnce(30, () => refreshWith(refresh)),
  );
  expect(tally(answers)).toEqual({ 200: 30 });
  expect(new Set(answers.map(({ body }) => body.refresh)).size).toBe(1);
  const events = (await Promise.all(answers.map(auditEventsOf))).flat();
  expect(events.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(
    Array(29).fill("repeat_refresh done"),
  );
  const pair = answers[29]?.body;
  expect((await api.get("/api/auth/me/", { token: pair.access })).body.id).toBe(nurse.id);
  expect((await refreshWith(pair.refresh)).status).toBe(200);
});

test("a token that is exchanged again while its successor is being spent is refused and ends the session", async () => {
  const nurse = await newAccount(api);
  const spent = await insertRefreshToken(nurse);
  const { body: next } = await refreshWith(spent);
  const lock = await lockSessions(nurse);
  const first = refreshWith(next.refresh);
  await lock.waiters(1);
  const [{ body: last }, repeated] = await raceBehind(lock, 2, () =>
    Promise.all([first, refreshWith(spent)]),
  );
  expect(repeated.status).toBe(401);
  expect(await auditEventsOf(repeated)).toMatchObject([{ action: "refresh", outcome: "refused" }]);
  expect((await refreshWith(last.refresh)).status).toBe(401);
});

test("a refresh whose session is ended while it waits is 401 and issues no token", async () => {
  const nurse = await newAccount(api);
  const refresh = await insertRefreshToken(nurse);
  const ending = await holdLock("UPDATE sessions SET ended_at = now() WHERE user_id = $1", [nurse.id]);
  const answer = await raceBehind(ending, 1, () => refreshWith(refresh));
  expect(answer.status).toBe(401);
  const tokens = await asOwner`
    SELECT spent_at FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ${nurse.id}`;
  expect(tokens).toEqual([{ spent_at: null }]);
});
