import { pageParameterTexts } from "../http/common-openapi.ts";
import { IdPath } from "../http/fields.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { formatCalendar } from "./icalendar.ts";
import {
  CalendarFeedsQuery,
  CalendarPath,
  CalendarPreconditions,
  MAX_FEEDS,
  NewCalendarFeed,
} from "./requests.ts";
import { CalendarFeed, IssuedCalendarFeed } from "./responses.ts";

const label = "The name of the calendar, 1 to 100 characters. Programs show it.";
const fields = {
  id: "The feed's id.",
  label,
  doctor: "The id of your doctor, whose appointments the calendar has; null for those of the clinic.",
  clinic: "The id of the clinic in which you created it. The feed ends with your membership there.",
  created_at: "When it was created.",
  last_used_at: "When its calendar was last read, to the hour; null if it never was.",
};
const exampleFeed = {
  id: 3,
  label: "North Street Practice",
  doctor: null,
  clinic: 40,
  created_at: "2026-11-26T09:30:00.000Z",
  last_used_at: null,
};
const exampleToken = "q3ZyJ1x6bPp0n5yL0dM2m3v0c8Yq3ZyJ1x6bPp0n5yL";
const exampleCalendar = formatCalendar(
  "North Street Practice",
  [
    {
      id: 90,
      starts_at: "2026-12-01T08:00:00.000Z",
      ends_at: "2026-12-01T08:30:00.000Z",
      status: "booked",
      updated_at: "2026-11-26T09:30:00.000Z",
      version: 1,
    },
  ],
  "api.example.org",
);

export const calendarFeedsOpenApi: OpenApiGroup = {
  tag: {
    name: "Calendar feeds",
    description: "Appointments in other calendars, by an address with a secret in it.",
  },
  parameters: [
    describeParameters(IdPath, { id: { description: fields.id, example: 3 } }),
    describeParameters(CalendarFeedsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: { description: "`id`, or `-id` for the newest first.", example: "-id" },
    }),
    describeParameters(CalendarPath, {
      feed: {
        description: "The end of the feed's `url`: its token and `.ics`.",
        example: `${exampleToken}.ics`,
      },
    }),
    describeParameters(CalendarPreconditions, {
      "If-None-Match": {
        description:
          "The `ETag` of the calendar that you have: the response is a 304 if it is still the same.",
      },
    }),
  ],
  schemas: {
    NewCalendarFeed: describeSchema(NewCalendarFeed, {
      description: "A new calendar feed.",
      fields: {
        label,
        doctor:
          "The id of the doctor whose own account you are. Without it, the calendar has the appointments of the clinic in which you work.",
      },
      example: { label: "North Street Practice" },
    }),
    CalendarFeed: describeSchema(CalendarFeed, {
      description: "A calendar feed that works.",
      fields,
      example: exampleFeed,
    }),
    IssuedCalendarFeed: describeSchema(IssuedCalendarFeed, {
      description: "The calendar feed that was created, with its address.",
      fields: {
        ...fields,
        url: "The address to subscribe to. It is shown only now and cannot be read later. Everybody who has it can read the calendar.",
      },
      example: { ...exampleFeed, url: `https://api.example.org/calendar/${exampleToken}.ics` },
    }),
  },
  operations: {
    "GET /api/calendar-feeds": {
      operationId: "listCalendarFeeds",
      summary: "List your calendar feeds",
      description:
        "Returns a page of your calendar feeds that work, of all your clinics, without their addresses.",
      responses: [
        { status: 200, description: "A page of calendar feeds.", schema: CalendarFeed, list: true },
      ],
    },
    "POST /api/calendar-feeds": {
      operationId: "createCalendarFeed",
      summary: "Create a calendar feed",
      description: `Creates an address to which calendar programs subscribe: the appointments of the clinic in which you work, or with \`doctor\` those of your doctor in all clinics. The feed works until you delete it, your membership in the clinic ends, or your account is disabled, and then never again; while you have to change your password, it does not work. An account has up to ${MAX_FEEDS} feeds.`,
      responses: [{ status: 201, description: "The feed, with its address.", schema: IssuedCalendarFeed }],
      problems: {
        400: {
          description: "A field is not valid, or `doctor` is not the doctor whose own account you are.",
        },
        409: {
          description: "You have as many calendar feeds as an account may have.",
          detail: `You have ${MAX_FEEDS} calendar feeds: delete one first.`,
          codes: ["too_many_feeds"],
        },
      },
    },
    "DELETE /api/calendar-feeds/:id": {
      operationId: "deleteCalendarFeed",
      summary: "Delete a calendar feed",
      description: "Its address stops working at once.",
      responses: [{ status: 204, description: "The feed was deleted." }],
      problems: {
        404: { description: "You have no such calendar feed.", detail: "There is no such calendar feed." },
      },
    },
    "GET /calendar/:feed": {
      operationId: "getCalendar",
      summary: "Read a calendar",
      description:
        "For calendar programs. Returns the appointments of a feed as iCalendar (RFC 5545), of the past 31 days and the next 366, with times in UTC. It has no names of patients and no notes: an event is called `Appointment` with the id of the appointment, and a cancelled one has `STATUS:CANCELLED`. It has at most 2,000 appointments, the next ones first.",
      responses: [
        {
          status: 200,
          description: "The calendar.",
          headers: ["CalendarETag"],
          content: {
            "text/calendar": {
              schema: { type: "string", description: "iCalendar, in UTF-8." },
              example: exampleCalendar,
            },
          },
        },
        { status: 304, description: "The calendar is the one that you have.", headers: ["CalendarETag"] },
      ],
      problems: {
        404: {
          description:
            "There is no such feed, or it does not work any more: the response is the same, also when the account is disabled or its membership has ended.",
          detail: "There is no such record.",
        },
      },
    },
  },
};
