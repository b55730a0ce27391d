import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/audit.ts";
import { callerId, callerIsAdmin } from "../db/query/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList, lateralJoin } from "../db/query/list.ts";
import type { Clinic, Member } from "./responses.ts";
import { callerRole, changesInClinic, clinicColumns, id, isClinicReadable } from "./steps.ts";

/** The caller's clinics; all of them for an admin. */
export const listClinics = defineList<Clinic>({
  name: "clinics/list",
  routes: "GET /api/clinics",
  alias: "c",
  json: sql`${jsonObject(clinicColumns(callerRole))}::text`,
  filters: {},
  sorts: {
    id: {
      order: ["c.id"],
      scans: [
        {
          from: sql`memberships ms ${lateralJoin("clinics", "c", "ms.clinic_id")}`,
          equals: [["ms.account_id", callerId]],
          order: ["ms.clinic_id"],
          condition: sql`ms.ended_at IS NULL AND NOT ${callerIsAdmin}`,
        },
        { from: sql`clinics c`, condition: callerIsAdmin },
      ],
    },
  },
  auditEvent: { columns: { action: "list_clinics" } },
});

/** The current members of a clinic, in order of their accounts' ids. */
export const listMembers = defineList<Member>({
  name: "clinics/list-members",
  routes: "GET /api/clinics/:id/members",
  alias: "ms",
  join: sql`JOIN users u ON u.id = ms.id`,
  json: sql`${jsonObject(sql`ms.id AS account, u.username, ms.role, ${isoTimestamp("ms.created_at")} AS created_at`)}::text`,
  filters: {},
  sorts: {
    id: {
      order: ["ms.id"],
      scans: [
        {
          // A list reads the id of the last row from the column `id`.
          from: sql`(SELECT clinic_id, account_id AS id, role, created_at, ended_at FROM memberships) ms`,
          equals: [["ms.clinic_id", id]],
          condition: sql`ms.ended_at IS NULL`,
        },
      ],
    },
  },
  isAllowed: isClinicReadable,
  auditEvent: {
    columns: { action: "list_members", outcome: readOutcome(isClinicReadable), changes: changesInClinic() },
  },
});
