import { outcomes } from "../db/schema.ts";
import { idInText, momentInText, rule } from "../http/fields.ts";
import { pageQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

export const EventsQuery = pageQuery({
  account: idInText,
  patient: idInText,
  action: z.string().check(z.regex(/^[a-z_-]{1,32}$/, "Must be an action, as read or break_glass")),
  outcome: z.enum(outcomes),
  from: momentInText,
  to: momentInText,
}).check(
  rule(({ from, to }) => !(from && to && Date.parse(from) > Date.parse(to)), "Must not be before from", "to"),
);
