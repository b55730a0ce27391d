import * as z from "zod/mini";
import { CalendarFeed, IssuedCalendarFeed } from "../../src/calendar-feeds/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { postResource } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

export const FEEDS = "/api/calendar-feeds/";

/** Creates a calendar feed. @returns it, with the path of its calendar */
export async function postFeed(account: TestAccount, changes: object = {}) {
  const feed = await postResource(account, FEEDS, { label: "North", ...changes });
  return { ...feed, path: new URL(String(feed["url"])).pathname };
}

/** Creates a feed for a request of its calendar. */
const subscribe = async (account: TestAccount) => ({
  feed: (await postFeed(account)).path.replace("/calendar/", ""),
});

export const calendarFeedRequests: RouteRequest[] = [
  {
    route: "POST /api/calendar-feeds",
    status: 201,
    answer: IssuedCalendarFeed,
    recorded: "feed",
    access: { toOthers: 201 },
    subject: async () => ({ body: { label: "North" } }),
    invalid: { label: " ", doctor: "7" },
  },
  {
    route: "GET /api/calendar-feeds",
    status: 200,
    answer: z.array(CalendarFeed).check(z.minLength(1)),
    access: { toOthers: 200 },
    subject: async (account) => {
      await postFeed(account);
      return {};
    },
  },
  {
    route: "DELETE /api/calendar-feeds/:id",
    status: 204,
    recorded: "feed",
    access: { toOthers: 404 },
    subject: postFeed,
  },
  {
    route: "GET /calendar/:feed",
    status: 200,
    answer: z.string().check(z.startsWith("BEGIN:VCALENDAR\r\n")),
    type: "text/calendar; charset=utf-8",
    recorded: "feed",
    access: "open",
    subject: subscribe,
  },
];
