import { type List, list } from "./list.ts";
import type { SortedById } from "./queries.ts";
import { deleteCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { CalendarFeed, IssuedCalendarFeed, NewCalendarFeed } from "./types.ts";
import { pathId } from "./url.ts";

/** The caller's calendar feeds, for other calendar programs. Every method throws a `ProblemError` when it fails. */
export interface CalendarFeeds {
  /** Lists the feeds that work, without their addresses. */
  list(query?: SortedById, options?: CallOptions): List<CalendarFeed>;
  /**
   * Creates a feed. Its address, `url`, is returned only here. Without a response it is not retried: a retry would create
   * another one.
   */
  create(feed: NewCalendarFeed, options?: CallOptions): Promise<IssuedCalendarFeed>;
  /** Deletes the feed with this id: its address stops working at once. */
  delete(id: number, options?: CallOptions): Promise<void>;
}

/** The methods of `calendarFeeds`. */
export const calendarFeedMethods = (send: Send): CalendarFeeds => ({
  list: (query, options) => list(send, "api/calendar-feeds/", query, options),
  create: async (body, options) =>
    send({
      method: "POST",
      path: "api/calendar-feeds/",
      body,
      options,
      isIdempotent: false,
      read: readJson<IssuedCalendarFeed>,
    }),
  delete: async (id, options) => send(deleteCall(`api/calendar-feeds/${pathId(id)}/`, options)),
});
