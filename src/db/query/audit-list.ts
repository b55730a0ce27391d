import { type SQL, sql } from "drizzle-orm";
import { isOneOf } from "../columns.ts";
import { audit_events, patientChanges } from "../schema.ts";
import type { Caller } from "./caller.ts";
import type { Path } from "./index-scan.ts";
import { moment, objectOf } from "./json.ts";
import { type List, list, type Page } from "./list.ts";

// The record, as it is read: by the patients' group and by the audit's.

const order: Path["order"] = [audit_events.at, audit_events.id];

/** All events, and in which order. */
export const everything: Path = { table: audit_events, order };

/**
 * By what an event is found, beside when it was; each has an index. The value is asked for, so that PostgreSQL does not know
 * it when it plans: of one that it knows it would think that little comes before it, and sort that.
 */
export const by = (column: "account_id" | "action" | "outcome", is: SQL): Path => ({
  table: audit_events,
  fixed: [[audit_events[column], sql`(SELECT ${is})`]],
  order,
});

/**
 * The events that name a patient. They are gathered by an index that knows who is named, and sorted then: no index knows
 * that and has an order too. There are as many as somebody has looked at this one patient. What stands before OFFSET is
 * planned by itself, and with no other condition: PostgreSQL would go by that, if it thought that most events name this
 * patient.
 */
export const naming = (patient: SQL, condition?: SQL): Path => ({
  table: audit_events,
  gathered: sql`(
    SELECT * FROM ${audit_events} WHERE ${audit_events.patients} @> ARRAY[${patient}] ${condition} OFFSET 0) ${audit_events}`,
  order,
});

/** What has changed a patient; they have an index of their own. */
export const changing = (patient: SQL): Path =>
  naming(
    patient,
    sql`AND ${isOneOf(audit_events.action, patientChanges)} AND ${audit_events.outcome} IS NOT DISTINCT FROM 'done'`,
  );

/** A list of events: by which path they are found, and what `list` asks for. */
interface Events extends Omit<List, "table" | "sorts" | "filters"> {
  path: Path;
  filters?: List["filters"];
}

/** Pages of events. */
export function listEvents<Shape>(describe: () => Events) {
  const pages = list<Shape>(() => {
    const { path, filters = {}, ...rest } = describe();
    return { table: audit_events, sorts: { at: path }, filters, ...rest };
  });
  return (caller: Caller, page: Page) => pages(caller, { ...page, sort: "-at" });
}

const [changes, reason] = [audit_events.changes, audit_events.reason];
const whoAndWhen = sql`${audit_events.id}, ${moment(audit_events.at)} AS at`;
const account = (columns: SQL) =>
  sql`CASE WHEN ${audit_events.account_id} IS NOT NULL THEN ${objectOf(sql`${audit_events.account_id} AS id, ${columns}`)} END AS account`;

/** A change as its patient's owner sees it. */
export const changeShown = sql`${objectOf(sql`
  ${whoAndWhen}, ${account(sql`${audit_events.username}`)}, ${audit_events.action},
  coalesce(${changes}, '{}') AS changes`)}::text`;

/** The fields of an object, without its braces. */
const inner = (columns: SQL): SQL => sql`left(substr(${objectOf(columns)}::text, 2), -1)`;

/** An event; what is not to be said of it is left out. @param whose a field that says whose data it is */
export const eventShown = (whose = sql`NULL`): SQL => sql`'{' || concat_ws(',',
  ${inner(sql`${whoAndWhen}, ${account(sql`${audit_events.username}, ${audit_events.role}`)}, ${audit_events.action}`)},
  ${whose},
  ${inner(sql`${audit_events.outcome}, ${audit_events.address}, ${audit_events.request_id}`)},
  '"changes":' || ${changes}::text, '"reason":' || to_json(${reason})::text) || '}'`;
