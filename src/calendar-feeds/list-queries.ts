import { sql } from "drizzle-orm";
import { callerId } from "../db/query/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { isFeedValid } from "./queries.ts";
import type { CalendarFeed } from "./responses.ts";

const columns = sql`cf.id, cf.label, cf.doctor_id AS doctor, cf.clinic_id AS clinic,
      ${isoTimestamp("cf.created_at")} AS created_at, ${isoTimestamp("cf.last_used_at")} AS last_used_at`;

/** The caller's calendar feeds that work, of all clinics. */
export const listFeeds = defineList<CalendarFeed>({
  name: "calendar-feeds/list",
  routes: "GET /api/calendar-feeds",
  alias: "cf",
  json: sql`${jsonObject(columns)}::text`,
  filters: {},
  sorts: {
    id: {
      order: ["cf.id"],
      scans: [
        { from: sql`calendar_feeds cf`, equals: [["cf.account_id", callerId]], condition: isFeedValid },
      ],
    },
  },
});
