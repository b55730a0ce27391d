import type { Backend } from "./backend.ts";
import { int32, type Message, message, query, text } from "./wire.ts";

/**
 * What distinguishes one connection's session from a fresh one. PGlite has one session for all connections, so
 * what a connection set and prepared is put away when another one's turn comes, and brought back afterwards.
 *
 * What cannot be put away is lost when the connections alternate: temporary tables, cursors `WITH HOLD`, advisory
 * locks, `LISTEN`, and settings PostgreSQL does not list (names with a dot). Within a transaction they do not.
 */
export interface Session {
  /** The settings its startup packet asked for; `DISCARD ALL` returns to these. */
  startup: Record<string, string>;
  /** What is to be brought back when its turn comes. */
  saved: SavedState;
}

interface SavedState {
  settings: Record<string, string>;
  /** The prepared statements that have a name. */
  statements: PreparedStatement[];
  /** SET SESSION AUTHORIZATION and SET ROLE. */
  user?: string;
  role?: string;
}

interface PreparedStatement {
  name: string;
  /** The query text or, when it was prepared in SQL, the whole PREPARE. */
  statement: string;
  types: number[];
  fromSql: boolean;
}

export interface Sessions {
  /** Makes `session` the one PGlite is in; gives back what PostgreSQL answered when it brought it back. */
  enter(session: Session): Message[];
  /** To be told when the current session ran DISCARD ALL: it is as at its start. */
  discarded(): void;
  /** To be told when `session` has ended: nothing of it needs to be put away. */
  forget(session: Session): void;
}

export function newSession(startup: Record<string, string>): Session {
  return { startup, saved: { settings: startup, statements: [] } };
}

export function createSessions(backend: Backend): Sessions {
  let current: Session | undefined;
  let fresh = true;

  function reset(): void {
    backend.ask("DISCARD ALL");
    // In PGlite, whose session has no login, DISCARD ALL does not undo SET SESSION AUTHORIZATION.
    backend.ask("SET SESSION AUTHORIZATION postgres");
    current = undefined;
    fresh = true;
  }

  return {
    enter(session) {
      if (session === current) return [];
      if (current) current.saved = save(backend);
      if (!fresh) reset();
      current = session;
      fresh = false;
      return restore(backend, session.saved);
    },
    discarded() {
      if (current) current.saved = { settings: current.startup, statements: [] };
      reset();
    },
    forget(session) {
      if (session === current) current = undefined;
    },
  };
}

const saveStatement = `
  SELECT pg_catalog.json_build_object(
    'settings', (SELECT coalesce(pg_catalog.json_object_agg(name, setting), '{}')
                 FROM pg_catalog.pg_settings WHERE source = 'session'),
    'statements', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', name,
                     'statement', statement, 'types', parameter_types::oid[]::int8[], 'fromSql', from_sql)), '[]')
                   FROM pg_catalog.pg_prepared_statements),
    'user', session_user,
    'role', pg_catalog.current_setting('role'))`;

function save(backend: Backend): SavedState {
  const row = backend.ask(saveStatement).find(({ type }) => type === "D");
  // DataRow: type, length, number of columns (2 bytes), length of the first column, its text.
  return JSON.parse(row?.bytes.toString("utf8", 11) ?? "");
}

function restore(backend: Backend, { settings, statements, user, role }: SavedState): Message[] {
  const answer: Message[] = [];
  if (Object.keys(settings).length > 0) {
    const json = literal(JSON.stringify(settings));
    const source = `pg_catalog.json_each_text(${json})`;
    answer.push(...backend.ask(`SELECT pg_catalog.set_config(key, value, false) FROM ${source}`));
  }
  for (const prepared of statements) {
    const { name, statement, types } = prepared;
    const parse = message("P", text(name), text(statement), int16(types.length), int32(...types));
    backend.run(prepared.fromSql ? query(statement) : Buffer.concat([parse, message("S")]));
  }
  if (user && user !== "postgres") backend.ask(`SET SESSION AUTHORIZATION ${literal(user)}`);
  if (role && role !== "none") backend.ask(`SET ROLE ${literal(role)}`);
  return answer;
}

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}
