import { sql } from "drizzle-orm";
import { outcomeOfReading } from "../db/query/audit.ts";
import { changeShown, changing, eventShown, listEvents, naming } from "../db/query/audit-list.ts";
import { may } from "../db/query/permissions.ts";
import { patients } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import type { Access, Change } from "./responses.ts";

const id = sql`${value("id")}::int`;

/** Whether a patient's record is the caller's to read: that of a deleted one too, which it may want to restore. */
const allowed = sql<boolean>`EXISTS (
  SELECT FROM ${patients} WHERE ${patients.id} = ${id} AND ${may("read a patient's record")})`;

const entry = (action: "history" | "accesses") => () => ({
  action,
  outcome: outcomeOfReading(allowed),
  patients: sql`ARRAY[${id}]`,
});

/** What has changed a patient. */
export const listChanges = listEvents<Change>(() => ({
  json: changeShown,
  path: changing(id),
  allowed,
  entry: entry("history"),
}));

/** Who has looked at a patient, or changed it, or tried to. */
export const listAccesses = listEvents<Access>(() => ({
  json: eventShown(),
  path: naming(id),
  allowed,
  entry: entry("accesses"),
}));
