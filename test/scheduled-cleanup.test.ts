import { createScheduledController } from "cloudflare:test";
import { expect, test } from "vitest";
import worker from "../src/index.ts";
import { newAccount, uniqueName } from "./support/accounts.ts";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { holdLock } from "./support/held-lock.ts";
import { asOwner, owner } from "./support/owner.ts";
import { postPatient } from "./support/resources.ts";

const nurse = await newAccount();
const runCleanup = (api = connectApi()) =>
  worker.scheduled(createScheduledController(), api.bindings as Cloudflare.Env);
const keysOf = () => asOwner`SELECT key FROM idempotency_keys WHERE account_id = ${nurse.id} ORDER BY key`;

/** Inserts 5,001 keys of an age: one more than a batch. */
const insertKeys = (prefix: string, hours: number) => asOwner`
  INSERT INTO idempotency_keys (account_id, key, fingerprint, answer, created_at)
  SELECT ${nurse.id}::int, ${prefix} || n, repeat('0', 64), '{}', now() - make_interval(mins => ${hours * 60}::int)
  FROM generate_series(1, 5001) n`;

test("idempotency keys are deleted after 24 hours, in any number, and not before", async () => {
  await insertKeys("old-", 24.1);
  const printed = watchConsole();
  await asOwner`
    INSERT INTO idempotency_keys (account_id, key, fingerprint, answer, created_at)
    VALUES (${nurse.id}, 'young', repeat('0', 64), '{}', now() - interval '23 hours 30 minutes')`;
  await runCleanup();
  expect(await keysOf()).toEqual([{ key: "young" }]);
  const lines = printed().map((line) => JSON.parse(line));
  expect(lines.filter(({ job }) => job !== "close_audit_day")).toEqual([
    { job: "create_partitions", table: "audit_events", partitions: expect.any(Number) },
    { job: "delete_expired", table: "idempotency_keys", rows: expect.any(Number) },
    ...[
      "emergency_accesses",
      "sessions",
      "login_attempts",
      "invitations",
      "patient_merges",
      "probes",
      "record_changes",
    ].map((table) => ({
      job: "delete_expired",
      table,
      rows: expect.any(Number),
    })),
    { job: "close_audit_days", table: "audit_events", days: expect.any(Number) },
  ]);
  expect(JSON.parse(printed()[1] ?? "").rows).toBeGreaterThanOrEqual(5001);
});

test("a session that a request has locked is deleted by the next run; the others are deleted at once", async () => {
  const [locked, other] = [await newAccount(), await newAccount()];
  const sids = [locked.sid, other.sid];
  await asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = ANY (${sids}::uuid[])`;
  const sessionsLeft = () => asOwner`SELECT id FROM sessions WHERE id = ANY (${sids}::uuid[])`;
  const lock = await holdLock("SELECT FROM sessions WHERE id = $1 FOR SHARE", [locked.sid]);
  try {
    await runCleanup();
    expect(await sessionsLeft()).toEqual([{ id: locked.sid }]);
  } finally {
    await lock.release();
  }
  await runCleanup();
  expect(await sessionsLeft()).toEqual([]);
});

test("emergency access is deleted when it expires", async () => {
  const [over, open] = [await postPatient(nurse), await postPatient(nurse)];
  await asOwner`
    INSERT INTO emergency_accesses (account_id, patient_id, expires_at)
    SELECT ${nurse.id}::int, id, now() + make_interval(secs => CASE id WHEN ${over.id}::int THEN -1 ELSE 3600 END)
    FROM unnest(ARRAY[${over.id}::int, ${open.id}::int]) id`;
  await runCleanup();
  const remaining = await asOwner`SELECT patient_id FROM emergency_accesses WHERE account_id = ${nurse.id}`;
  expect(remaining).toEqual([{ patient_id: open.id }]);
});

test.each([{ SESSION_IDLE_DAYS: 2 }, { SESSION_IDLE_MINUTES: 2880, SESSION_IDLE_DAYS: 1 }])(
  "with %j, sessions are deleted with their tokens when they are expired, idle, or ended a day ago",
  async (setting) => {
    const account = await newAccount();
    await asOwner`
    WITH session AS (
      INSERT INTO sessions (user_id, token_version, expires_at, last_used_at, ended_at, user_agent)
      SELECT ${account.id}::int, 1, now() + make_interval(hours => expiry), now() - make_interval(hours => used),
        now() - make_interval(hours => ended), name
      FROM (VALUES ('over', -1, 1, NULL), ('unused', 24, 49, NULL), ('ended', 24, 1, 25), ('used', 24, 47, NULL),
        ('ended just now', 24, 1, 23)) AS s (name, expiry, used, ended)
      RETURNING id)
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT encode(sha256(id::text::bytea), 'hex'), id FROM session`;
    // A session that is inserted deletes the expired ones, so this one expires only now.
    await asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = ${account.sid}`;
    await runCleanup(connectApi(setting));
    const remaining = await asOwner`
    SELECT user_agent, (SELECT count(*)::int FROM refresh_tokens WHERE session_id = s.id) AS tokens
    FROM sessions s WHERE user_id = ${account.id} ORDER BY user_agent`;
    expect(remaining).toEqual(["ended just now", "used"].map((user_agent) => ({ user_agent, tokens: 1 })));
  },
);

test("failed logins are deleted after a day, an account's own networks after 90 days, invitations when they expire", async () => {
  const name = uniqueName("nobody-");
  await asOwner`
    INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
    SELECT ${name}, network, 1, now() - make_interval(hours => failed), now(), now() - make_interval(days => known)
    FROM (VALUES ('old', 25, NULL), ('young', 23, NULL), ('left', 25, 91), ('on leave', 25, 89)) AS a (network, failed, known)`;
  await asOwner`
    INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
    SELECT n || '@example.org', 'clinician', encode(sha256((${name} || n)::bytea), 'hex'), ${nurse.id}::int,
      now() + make_interval(secs => n) FROM unnest(ARRAY[-1, 3600]) n`;
  await runCleanup();
  expect(await asOwner`SELECT network FROM login_attempts WHERE username = ${name} ORDER BY 1`).toEqual([
    { network: "on leave" },
    { network: "young" },
  ]);
  const invitations = await asOwner`SELECT email FROM invitations WHERE created_by = ${nurse.id}`;
  expect(invitations).toEqual([{ email: "3600@example.org" }]);
});

test("missing partitions of the audit log are created for this month and the next three", async () => {
  const months = await asOwner`
    SELECT 'audit_events_' || to_char(now() AT TIME ZONE 'UTC' + make_interval(months => n), 'YYYY_MM') AS name
    FROM generate_series(0, 3) n`;
  const names = months.map(({ name }) => String(name));
  await owner().query(`DROP TABLE ${names.at(-1)}`);
  await runCleanup();
  expect(
    await asOwner`SELECT name FROM unnest(${names}::text[]) name WHERE to_regclass(name) IS NULL`,
  ).toEqual([]);
});

test("a failing database makes the cleanup fail, so that Cloudflare counts it, without the database's message", async () => {
  const api = connectApi();
  await api.disturbDatabase({ fault: "sqlstate", code: "57P01", times: 1 });
  await expect(runCleanup(api)).rejects.toThrow("Scheduled cleanup failed: 57P01.");
  await runCleanup(api);
});
