import { requestBody } from "../http/body-schemas.ts";
import { idSchema, textField } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

export const CalendarFeedsQuery = defineListQuery({}, ["id"]);

/** How many calendar feeds an account has at most. */
export const MAX_FEEDS = 20;

/** 256 random bits, which nobody can guess. */
export const TOKEN_BYTES = 32;

/** A calendar feed of the clinic in which the account works, or of its doctor. */
export const NewCalendarFeed = requestBody({ label: textField(100), doctor: z.optional(idSchema) });

/** The path of a calendar: the token of its feed, in base64url, and `.ics`. */
export const CalendarPath = z.object({
  feed: z.pipe(
    z.string().check(z.regex(/^[\w-]{43}\.ics$/)),
    z.transform((file) => file.slice(0, -".ics".length)),
  ),
});

/** The headers of a conditional `GET` or `HEAD` of a calendar. Its ETag is no version of a record. */
export const CalendarPreconditions = z.object({ "If-None-Match": z.optional(z.string()) });
