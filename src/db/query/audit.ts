import { type SQL, sql } from "drizzle-orm";
import { audit_events, type outcomes } from "../schema.ts";
import { value } from "../statement.ts";

/** What was done, or asked for. */
export type Action =
  | "list"
  | "read"
  | "create"
  | "replay"
  | "history"
  | "accesses"
  | "audit"
  | "update"
  | "delete"
  | "restore"
  | "transfer"
  | "break_glass"
  | "assign"
  | "unassign"
  | "export"
  | "import"
  | "register"
  | "login"
  | "logout"
  | "refresh"
  | "change_password"
  | "invite"
  | "list_invitations"
  | "withdraw_invitation"
  | "list_accounts"
  | "read_account"
  | "update_account"
  | "sign_out";

type Outcome = (typeof outcomes)[number];

/** Where a request comes from: its id, as its answer and our logs have it, and the client's network address. */
export type Origin = { request_id: string; address: string };

/** What is put on record of a statement. */
export interface Entry {
  action: Action | SQL;
  /** `done`, when it is left out. */
  outcome?: SQL;
  /** The ids of the patients whose data it is, as an array. */
  patients?: SQL;
  /** The id of a doctor who was changed. */
  doctor?: SQL;
  /** The id of an account that something was done to. */
  subject?: SQL;
  /** See `changesBetween`. */
  changes?: SQL;
  reason?: SQL;
}

/** Who it was: the account of each row of `from`. */
interface Who {
  from: SQL;
  /** What stands before the names of an account's columns there: `u.` */
  of?: SQL;
  session?: SQL;
}

/** The step that puts an `entry` on record. */
export function recording({ from, of = sql``, session }: Who, entry: Entry): SQL {
  const columns: { [Name in keyof typeof audit_events.$inferInsert]?: SQL | undefined } = {
    account_id: sql`${of}id`,
    username: sql`${of}username`,
    role: sql`${of}role`,
    session_id: session,
    request_id: sql`${value("request_id")}::uuid`,
    address: sql`${value("address")}::text`,
    action: typeof entry.action === "string" ? action(entry.action) : entry.action,
    outcome: entry.outcome ?? ended("done"),
    patients: entry.patients,
    doctor_id: entry.doctor,
    subject_id: entry.subject,
    changes: entry.changes,
    reason: entry.reason,
  };
  const given = Object.entries(columns).filter(([, value]) => value !== undefined);
  return sql`
    INSERT INTO ${audit_events} (${sql.join(
      given.map(([name]) => sql.identifier(name)),
      sql`, `,
    )})
    SELECT ${sql.join(
      given.map(([, value]) => value),
      sql`, `,
    )} FROM ${from}`;
}

const word = (one: string): SQL => sql.raw(`'${one}'`);
export const action = (one: Action): SQL => word(one);
export const ended = (outcome: Outcome): SQL => word(outcome);

/** How reading ended: `done` when something was `found`. */
export const outcomeOfReading = (found: SQL): SQL =>
  sql`CASE WHEN ${found} THEN ${ended("done")} ELSE ${ended("not_found")} END`;

/** How writing ended: `done` when something was `written`, `refused` when it only was `found`. */
export const outcomeOfWriting = (found: SQL, written: SQL): SQL =>
  sql`CASE WHEN ${written} THEN ${ended("done")} WHEN ${found} THEN ${ended("refused")} ELSE ${ended("not_found")} END`;

/**
 * `{field: {before, after}}` of the fields that are not the same in two rows, each as JSON; a row that is null, for it was
 * not there before or is not after, has nulls.
 */
export const changesBetween = (before: SQL, after: SQL): SQL => sql`(
  SELECT ('{' || string_agg(format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
    coalesce(a.value::text, 'null')), ',' ORDER BY coalesce(b.n, a.n)) || '}')::json
  FROM json_each(${before}) WITH ORDINALITY b(key, value, n)
  FULL JOIN json_each(${after}) WITH ORDINALITY a(key, value, n) USING (key)
  WHERE b.value::text IS DISTINCT FROM a.value::text)`;
