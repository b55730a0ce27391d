import { expect, test } from "vitest";
import type { FeedCursor } from "../../src/changes/steps.ts";
import type { Config } from "../../src/config.ts";
import { decryptCursor, encryptCursor } from "../../src/http/pagination.ts";
import { newAccount } from "../support/accounts.ts";
import { JWT_SECRET } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner, owner } from "../support/owner.ts";
import { linkDoctor, newDoctorsAccount } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { postDoctor, postPatient } from "../support/resources.ts";
import { changesPath, patient, readAll, readChanges, withoutDoctors } from "./feed.ts";

const config = { JWT_SECRET } as Config;
const account = await newAccount();
const { cursor } = await readAll(account);

const contentOf = async (of: string) => (await decryptCursor(of, config)) as FeedCursor;

/** The cursor with other content. */
async function changedCursor(changes: Partial<FeedCursor>, of = cursor): Promise<string> {
  return encryptCursor({ ...(await contentOf(of)), ...changes }, config);
}
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

test.each([
  ["an empty value", () => ""],
  ["any other text", () => "abc"],
  ["a cursor of which a character was lost", () => cursor.slice(1)],
  ["a cursor that is too long", () => cursor.repeat(20)],
  ["another account's cursor", async () => (await readChanges(await newAccount())).cursor],
  [
    "the cursor of a list",
    async () => {
      const owner = await newAccount();
      await insertRecords("patients", owner, 2);
      const { headers } = await owner.get("/api/patients/?limit=1");
      return /cursor=([^>]+)/.exec(headers.get("Link") ?? "")?.[1] ?? "";
    },
  ],
])("%s as since is 400", async (_, since) => {
  expect(await account.get(changesPath(await since()))).toEqual(fieldProblem("since"));
});

test("a cursor of the changes is 400 in a list, and an unknown parameter is 400", async () => {
  expect(await account.get(`/api/patients/?cursor=${cursor}`)).toEqual(fieldProblem("cursor"));
  expect(await account.get("/api/changes/?limit=10")).toEqual(fieldProblem("limit"));
});

const expired = { status: 410, body: { code: "cursor_expired" } };

test.each<[string, Partial<FeedCursor>]>([
  ["90 days", { at: daysAgo(90.01) }],
  ["90 days, from the first pages", { at: daysAgo(90.01), initial: true }],
])("a cursor that is older than %s is 410, audited as refused", async (_, changes) => {
  const answer = await account.get(changesPath(await changedCursor(changes)));
  expect(answer).toMatchObject(expired);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "list_changes", outcome: "refused", patients: [] },
  ]);
});

test("a cursor of 89 days is valid, and keeps its age until the feed has been read to its end", async () => {
  const reader = await newAccount();
  const { cursor: start } = await readAll(reader);
  await insertRecords("patients", reader, 501);
  const at = daysAgo(89);
  const last = await readAll(reader, start);
  const first = await readChanges(reader, await changedCursor({ at }, start));
  expect(Date.parse((await contentOf(first.cursor)).at ?? "")).toBe(Date.parse(at));
  expect(Date.parse((await contentOf(last.cursor)).at ?? "")).toBeGreaterThan(Date.parse(at));
});

/** Waits until the transaction that holds a patient is the oldest one: other tests hold some open, too. */
const untilOldest = (patient: number) =>
  owner().query(`
    DO $$ BEGIN
      WHILE pg_snapshot_xmin(pg_current_snapshot())::xid <> (SELECT xmax FROM patients WHERE id = ${patient}) LOOP
        IF clock_timestamp() > now() + interval '240 s' THEN RAISE 'A transaction never ended.'; END IF;
        PERFORM pg_sleep(0.005);
      END LOOP;
    END $$`);

test("a cursor keeps its age while a transaction holds the feed back", async () => {
  const { id } = await postPatient(account);
  const open = await holdLock("UPDATE patients SET version = version + 1 WHERE id = $1", [id]);
  await untilOldest(id);
  const { cursor: held } = await readChanges(account, cursor);
  const at = daysAgo(1);
  const later = await readChanges(account, await changedCursor({ at }, held));
  await open.release();
  expect(await contentOf(later.cursor)).toMatchObject({ xact: (await contentOf(held)).xact });
  expect(Date.parse((await contentOf(later.cursor)).at ?? "")).toBe(Date.parse(at));
});

test("a cursor of another epoch, or of transactions that this database has not reached, is 410", async () => {
  expect(await account.get(changesPath(await changedCursor({ epoch: "another" })))).toMatchObject(expired);
  const xact = "9000000000000000000";
  expect(await account.get(changesPath(await changedCursor({ xact })))).toMatchObject(expired);
});

test("a cursor is 410 after the account was linked to another doctor or to none", async () => {
  const { account: doctors, doctor } = await newDoctorsAccount(account);
  const { cursor: linked } = await readAll(doctors);
  await linkDoctor(doctors, await postDoctor(account));
  expect(await doctors.get(changesPath(linked))).toMatchObject(expired);
  await linkDoctor(doctors, null);
  expect(await doctors.get(changesPath(linked))).toMatchObject(expired);
  await linkDoctor(doctors, doctor);
  expect(await doctors.get(changesPath(linked))).toMatchObject({ status: 200 });
});

test("changes that were restored with transaction ids of another server do no harm", async () => {
  const reader = await newAccount();
  const { id } = await postPatient(reader);
  await asOwner`UPDATE record_changes SET xact = (xact::text::bigint + 1000000000)::text::xid8 WHERE audience = 'account' AND audience_id = ${reader.id}`;
  const { cursor: start, changes } = await readAll(reader);
  expect(changes).toContainEqual(patient(id));
  await reader.patch(`/api/patients/${id}/`, { age: 40 });
  expect(withoutDoctors(await readAll(reader, start))).toEqual([patient(id, 2)]);
});
