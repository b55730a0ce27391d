import { sql } from "drizzle-orm";
import { ended } from "../db/query/audit.ts";
import { by, eventShown, everything, listEvents, naming } from "../db/query/audit-list.ts";
import { outcomeForAdmin } from "../db/query/caller.ts";
import { may } from "../db/query/permissions.ts";
import { audit_events } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import type { AuditEvent } from "./responses.ts";

const isAllowed = may("read the record");

const [account, patient] = [sql`${value("account")}::int`, sql`${value("patient")}::int`];
const [action, outcome] = [sql`${value("action")}::text`, sql`${value("outcome")}::text`];

/** Whose data it was: of a doctor or an account, in place of patients. */
const whose = sql`CASE
  WHEN ${audit_events.subject_id} IS NOT NULL THEN '"subject":' || ${audit_events.subject_id}
  WHEN ${audit_events.doctor_id} IS NOT NULL THEN '"doctor":' || ${audit_events.doctor_id}
  ELSE '"patients":' || array_to_json(coalesce(${audit_events.patients}, '{}')) END`;

/** The record, for admins; by one filter's index, and by the others of what that finds. */
export const listRecord = listEvents<AuditEvent>(() => ({
  json: eventShown(whose),
  path: everything,
  // The first that is given is taken: from the one that finds fewest to the one that finds most.
  filters: {
    patient: sql`${audit_events.patients} @> ARRAY[${patient}]`,
    account: sql`${audit_events.account_id} = ${account}`,
    action: sql`${audit_events.action} = ${action}`,
    outcome: sql`${audit_events.outcome} = ${outcome}`,
  },
  shortcuts: {
    "patient at": naming(patient),
    "account at": by("account_id", account),
    "action at": by("action", action),
    "outcome at": by("outcome", outcome),
  },
  span: { from: "from", to: "to" },
  allowed: isAllowed,
  entry: (given) => ({
    action: "audit",
    outcome: outcomeForAdmin(ended("done")),
    // Those of whom it is told what they were and are; and who was asked for.
    patients: sql`ARRAY(
      SELECT named FROM page, unnest(page.patients) named WHERE page.changes IS NOT NULL
      UNION SELECT ${given.includes("patient") ? patient : sql`NULL::int WHERE false`} ORDER BY 1)`,
  }),
}));
