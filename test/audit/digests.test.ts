import { createScheduledController } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { watchConsole } from "../support/console.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { pagesFrom } from "../support/pages.ts";
import { problem } from "../support/problems.ts";

const api = connectApi();
const closeDays = (by = api) => worker.scheduled(createScheduledController(), by.bindings as Cloudflare.Env);

/** A day is closed 90 seconds after its end: until then it counts as today here. */
const CLOSING_MS = 90_000;
/** The day `days` before today, in UTC. */
const dayBefore = (days: number): string =>
  new Date(Date.now() - CLOSING_MS - days * 86_400_000).toISOString().slice(0, 10);

/** Inserts an event at noon of each of the days. */
const insertEvents = (...days: string[]) => asOwner`
  INSERT INTO audit_events (action, outcome, at)
  SELECT 'read', 'done', (day || ' 12:00:00Z')::timestamptz FROM unnest(${days}::text[]) day RETURNING id`;
const digests = () => asOwner`
  SELECT day::text, events::int AS events, first_id, last_id, sha256, hmac FROM audit_digests ORDER BY audit_digests.day`;
const closedDays = async () => (await digests()).map(({ day }) => day);

const sha256 = async (data: string | Uint8Array<ArrayBuffer>) => {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
};

beforeEach(async () => {
  await asOwner`DELETE FROM audit_digests`;
  await asOwner`DELETE FROM audit_events WHERE at < date_trunc('day', now(), 'UTC')`;
});

describe("the scheduled job", () => {
  test("closes each day from the first event to yesterday, also one without events, and logs each", async () => {
    const [first] = await insertEvents(dayBefore(3));
    const [last] = await insertEvents(dayBefore(1));
    const printed = watchConsole();
    await closeDays();
    const rows = await digests();
    expect(rows).toMatchObject([
      { day: dayBefore(3), events: 1, first_id: first?.["id"], last_id: first?.["id"] },
      { day: dayBefore(2), events: 0, first_id: null, last_id: null },
      { day: dayBefore(1), events: 1, first_id: last?.["id"], last_id: last?.["id"] },
    ]);
    const lines = printed().map((line) => JSON.parse(line));
    expect(lines.filter(({ job }) => job === "close_audit_day")).toEqual(
      rows.map((row) => ({ job: "close_audit_day", ...row, closed_at: expect.any(String) })),
    );
    expect(lines.at(-1)).toEqual({ job: "close_audit_days", table: "audit_events", days: 3 });
    await closeDays();
    expect(await digests()).toEqual(rows);
  });

  test("closes an old log over several runs", async () => {
    await insertEvents(dayBefore(20));
    await closeDays();
    expect(await closedDays()).toEqual(Array.from({ length: 16 }, (_, n) => dayBefore(20 - n)));
    await closeDays();
    expect(await closedDays()).toEqual(Array.from({ length: 20 }, (_, n) => dayBefore(20 - n)));
  });

  test("counts every event of a day with more events than a block, also those of the same millisecond", async () => {
    const day = dayBefore(1);
    await asOwner`
      INSERT INTO audit_events (action, outcome, at, id)
      SELECT 'read', 'done', (${day} || ' 12:00:00Z')::timestamptz, n FROM generate_series(1, 45000) n`;
    await closeDays();
    expect(await digests()).toMatchObject([{ day, events: 45_000, first_id: "1", last_id: "45000" }]);
    const [digest] = await digests();
    await asOwner`DELETE FROM audit_digests`;
    await asOwner`UPDATE audit_events SET action = 'list' WHERE at = (${day} || ' 12:00:00Z')::timestamptz AND id = 20000`;
    await closeDays();
    expect((await digests())[0]?.["sha256"]).not.toBe(digest?.["sha256"]);
  });

  test("that fails in a day stores nothing of it, and the next run closes it", async () => {
    await insertEvents(dayBefore(2), dayBefore(1));
    const lock = await holdLock("LOCK TABLE audit_digests IN SHARE ROW EXCLUSIVE MODE");
    const failed = expect(closeDays()).rejects.toThrow("Scheduled cleanup failed: 57014.");
    await lock.waiters(1);
    // The events of the first day are hashed, and its digest waits to be inserted.
    await asOwner`
      SELECT pg_cancel_backend(pid) FROM pg_locks
      WHERE NOT granted AND relation = 'audit_digests'::regclass`;
    await failed;
    await lock.release();
    expect(await closedDays()).toEqual([]);
    await closeDays();
    expect(await closedDays()).toEqual([dayBefore(2), dayBefore(1)]);
  });

  test("that runs twice at once makes one digest of each day, and logs it once", async () => {
    await insertEvents(dayBefore(2), dayBefore(1));
    const printed = watchConsole();
    const lock = await holdLock("LOCK TABLE audit_digests IN SHARE ROW EXCLUSIVE MODE");
    const runs = [closeDays(connectApi()), closeDays(connectApi())];
    await lock.waiters(2);
    await lock.release();
    await Promise.all(runs);
    expect(await closedDays()).toEqual([dayBefore(2), dayBefore(1)]);
    const lines = printed().map((line) => JSON.parse(line));
    const logged = lines.filter(({ job }) => job === "close_audit_day");
    const row = ({ hmac }: Record<string, unknown>) => hmac;
    expect(logged.map(row)).toEqual((await digests()).map(row));
  });

  test("the digest of a day is SHA-256 over the SHA-256 of each event as JSON without null, and of its changes the hash", async () => {
    const day = dayBefore(1);
    const changes = '{"age": {"before":1,"after":2}}';
    const event = {
      ...{ id: 7, at: `${day}T23:59:59.999Z`, account_id: 1, username: 'josé "x"', role: "clinician" },
      session_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
      ...{ action: "update", outcome: "done", patient_id: 3, patients: [1, 2], doctor_id: 4, subject_id: 5 },
      ...{ address: "192.0.2.1", request_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f11", reason: "Wh\ny" },
    };
    const insert = (id: number, row: object) => asOwner`
      INSERT INTO audit_events SELECT * FROM json_populate_record(NULL::audit_events, ${JSON.stringify({ ...row, id })})`;
    await insert(10, { ...event, changes: null });
    await insert(9, { action: "login", outcome: "refused", at: `${day}T23:59:59.999Z` });
    await insert(7, event);
    await asOwner`UPDATE audit_events SET changes = ${changes} WHERE id = 7 AND at = ${event.at}`;
    const hashes = await Promise.all(
      [
        { ...event, changes_sha256: (await sha256(changes)).toHex() },
        { id: 9, at: event.at, action: "login", outcome: "refused" },
        { ...event, id: 10 },
      ].map((columns) => sha256(JSON.stringify(columns))),
    );
    await closeDays();
    const digest = await sha256(new Uint8Array(hashes.flatMap((hash) => [...hash])));
    expect(await digests()).toMatchObject([
      { day, events: 3, first_id: "7", last_id: "10", sha256: digest.toHex() },
    ]);
  });
});

describe("GET /api/audit/digests/", () => {
  const events = () => insertEvents(dayBefore(3), dayBefore(1));

  test("returns the digests in pages, newest first, and is audited", async () => {
    const admin = await newAccount(api, "admin");
    await events();
    await closeDays();
    const pages: unknown[] = [];
    for await (const page of pagesFrom(admin, "/api/audit/digests/?limit=2")) {
      pages.push(page.body);
      expect(await auditEventsOf(page)).toMatchObject([{ action: "list_audit_digests", outcome: "done" }]);
    }
    const rows = (await digests()).toReversed().map(({ first_id, last_id, ...row }) => ({
      ...row,
      first_id: first_id === null ? null : Number(first_id),
      last_id: last_id === null ? null : Number(last_id),
      closed_at: expect.stringMatching(/Z$/),
    }));
    expect(pages).toEqual([rows.slice(0, 2), rows.slice(2)]);
  });

  test("by a clinician is 403 and audited as refused", async () => {
    const nurse = await newAccount(api);
    const answer = await nurse.get("/api/audit/digests/");
    expect(answer).toEqual(problem(403, "Only an admin or an auditor may read the audit log."));
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "list_audit_digests", outcome: "refused" }]);
  });
});
