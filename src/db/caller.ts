import {
  and,
  eq,
  getTableColumns,
  gt,
  isNull,
  type SQL,
  type SQLChunk,
  sql,
  type WithSubquery,
} from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import type { Database } from "./client.ts";
import { sessions, users } from "./schema.ts";

/** Who an access token says is calling. True only for the statement that has checked it. */
export interface Claims {
  user_id: number;
  session_id: string;
  token_version: number;
}

/** The token is genuine, but its account is disabled, its version was raised, or its session is over. */
export class CallerRevoked extends Error {
  override name = "CallerRevoked";
}

const callerOf = (db: Database, claims: Claims) =>
  db.$with("caller").as(
    db
      .select({ id: users.id, role: users.role })
      .from(users)
      .innerJoin(sessions, eq(sessions.user_id, users.id))
      .where(
        and(
          eq(users.id, claims.user_id),
          users.active,
          eq(users.token_version, claims.token_version),
          eq(sessions.id, claims.session_id),
          isNull(sessions.ended_at),
          gt(sessions.expires_at, sql`now()`),
        ),
      ),
  );

/** The calling account as a common table expression of one row, or of none when it is refused. */
export type Caller = ReturnType<typeof callerOf>;

/**
 * Whether a row is the caller's, by the column that names its owner. The claimed id is what `caller` has checked; said as
 * a value, it lets PostgreSQL plan for this account's records, as one that a join brings does not.
 */
export const isOwn = (owner: PgColumn, caller: Caller, claims: Claims): SQL =>
  sql`(${eq(owner, claims.user_id)} AND EXISTS (SELECT FROM ${caller}))`;

/**
 * Whether a row is the caller's and comes after the one of id `after`: for a page, ordered by `owner` and `id`. Not the
 * plain `owner = … AND id > …`, for PostgreSQL may then walk through everybody's ids until it has met enough of one
 * owner's; this only the index on both can answer in order, and it reads no row that is not on the page.
 */
export const isOwnAfter = (
  { owner, id, after }: { owner: PgColumn; id: PgColumn; after: number },
  caller: Caller,
  claims: Claims,
): SQL => sql`((${owner}, ${id}) > (${claims.user_id}, ${after}) AND ${owner} <= ${claims.user_id}
    AND EXISTS (SELECT FROM ${caller}))`;

/** A row for each row that the steps found between them; a step that found nothing is null in it. */
type Answer<Step extends WithSubquery> = {
  [S in Step as S["_"]["alias"]]: SelectResultFields<S["_"]["selectedFields"]> | null;
};

/**
 * The frame of every statement on data: checks the caller, does the work and fetches what came of it, in one round trip.
 *
 * `work` makes the steps of the statement, common table expressions. One that writes takes its rights from `caller`, so
 * that without one it writes nothing; a later one may use an earlier one.
 *
 * @returns what each step found or changed, under its name; many rows, in order of `id`, when a step lists.
 * @throws {CallerRevoked} when the caller is refused; nothing has been done then.
 */
export async function asCaller<Step extends WithSubquery>(
  db: Database,
  claims: Claims,
  work: (caller: Caller) => Step[],
): Promise<[Answer<Step>, ...Answer<Step>[]]> {
  const caller = callerOf(db, claims);
  const steps: WithSubquery[] = work(caller);
  const query = db
    .with(caller, ...steps)
    .select()
    .from(caller)
    .$dynamic();
  for (const step of steps) query.leftJoin(step, sql`true`);
  const identified = steps.filter((step) => "id" in step._.selectedFields);
  const rows: unknown[] = await query.orderBy(...identified.map((step) => sql`${step}.id`));
  if (rows.length === 0) throw new CallerRevoked();
  return rows as [Answer<Step>, ...Answer<Step>[]];
}

/**
 * Inserts one row that the caller owns. Drizzle's own `INSERT … SELECT` wants every column of the table; this one leaves
 * those that are not given to their defaults.
 *
 * @throws {CallerRevoked} when the caller is refused; nothing has been inserted then.
 */
export async function insertOwned<Table extends PgTable>(
  db: Database,
  claims: Claims,
  table: Table,
  values: Omit<Table["$inferInsert"], "created_by">,
): Promise<Table["$inferSelect"]> {
  const columns = getTableColumns(table);
  const names = Object.keys(values).map((name) => sql.identifier(name));
  const given = Object.values(values).map((value) => sql`${value}`);
  const returned = Object.values(columns).map((column) => sql`${column}`);
  const [answer] = await asCaller(db, claims, (caller) => [
    db.$with("created", columns).as(sql`
      INSERT INTO ${table} (${list(names)}, created_by)
      SELECT ${list(given)}, ${caller.id} FROM ${caller}
      RETURNING ${list(returned)}`),
  ]);
  return (answer as { created: Table["$inferSelect"] }).created;
}

const list = (parts: SQLChunk[]): SQL => sql.join(parts, sql`, `);
