import { auditActions } from "../db/query/audit-actions.ts";
import { outcomes } from "../db/schema.ts";
import { idParam, rule, timestampParam } from "../http/fields.ts";
import { definePageQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";

export const AuditQuery = definePageQuery({
  account: idParam,
  patient: idParam,
  action: z.enum(auditActions),
  outcome: z.enum(outcomes),
  from: timestampParam,
  to: timestampParam,
}).check(
  rule(
    ({ from, to }) => !(from && to && Date.parse(from) > Date.parse(to)),
    "too_small",
    "Must not be before from",
    "to",
  ),
);

export const DigestsQuery = definePageQuery({});
