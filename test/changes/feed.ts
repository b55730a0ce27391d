import { expect, vi } from "vitest";
import type { ChangePage, RecordChange } from "../../src/changes/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { owner } from "../support/owner.ts";

// The plan tests hold transactions open while they fill their tables: 37 s on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

/** More pages than any test has: a feed that never ends fails instead of running forever. */
const MAX_PAGES = 200;

export const changesPath = (since?: string): string =>
  `/api/changes/${since === undefined ? "" : `?since=${since}`}`;

/**
 * Waits until all transactions of the server have ended that are running now. The feed stops before the oldest one, and other
 * tests hold some open.
 */
export const endOfTransactions = () =>
  owner().query(`
    DO $$ DECLARE running xid8 := pg_snapshot_xmax(pg_current_snapshot()); BEGIN
      WHILE pg_snapshot_xmin(pg_current_snapshot()) < running LOOP
        IF clock_timestamp() > now() + interval '240 s' THEN RAISE 'A transaction never ended.'; END IF;
        PERFORM pg_sleep(0.005);
      END LOOP;
    END $$`);

/** Reads one page. */
export async function readChanges(account: TestAccount, since?: string): Promise<ChangePage> {
  const answer = await account.get(changesPath(since));
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

/** Reads pages until one is empty, when all changes are visible. @returns all changes in order, and the last cursor */
export async function readAll(account: TestAccount, since?: string): Promise<ChangePage> {
  const all: ChangePage["changes"] = [];
  let cursor = since;
  await endOfTransactions();
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const next = await readChanges(account, cursor);
    cursor = next.cursor;
    if (next.changes.length === 0) return { changes: all, cursor };
    all.push(...next.changes);
  }
  throw new Error(`The changes have more than ${MAX_PAGES} pages.`);
}

/** A copy as a client keeps it: the versions of the records by `kind id`. */
export type Copy = Map<string, number>;

export function applyChanges(copy: Copy, changes: ChangePage["changes"]): Copy {
  for (const { kind, id, version, deleted } of changes) {
    if (deleted) copy.delete(`${kind} ${id}`);
    else copy.set(`${kind} ${id}`, version);
  }
  return copy;
}

/** The entries of records that are not doctors: those are everybody's, and other tests create some meanwhile. */
export const withoutDoctors = ({ changes }: ChangePage): RecordChange[] =>
  changes.filter(({ kind }) => kind !== "doctor");

export const patient = (id: number, version = 1) => ({ kind: "patient", id, version });
export const assignment = (id: number, version = 1) => ({ kind: "assignment", id, version });
export const deleted = (entry: object) => ({ ...entry, deleted: true });
