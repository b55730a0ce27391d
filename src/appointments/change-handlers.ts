import type { Context } from "hono";
import { createFactory } from "hono/factory";
import { writeConflict } from "../db/errors.ts";
import type { ChangedRecord, ChangeParams } from "../db/query/resource.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { formatEtag, requireWritable, versionsToChange, WritePreconditions } from "../http/preconditions.ts";
import { Problem } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { markAppointment } from "./mark-queries.ts";
import { moveAppointment } from "./move-queries.ts";
import { AppointmentChanges, isMove } from "./requests.ts";
import type { Appointment } from "./responses.ts";
import { requireBookable, requireBookableFields, requireOverride } from "./rules.ts";

type Headers = Parameters<typeof requireWritable>[2];

/** `PATCH /:id`: moves an appointment, or gives it a status. @throws {Problem} 400, 403, 404, 409, 412, 428 */
export const changeHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("param", IdPath),
  validateHeaders(WritePreconditions),
  validate("json", AppointmentChanges),
  async (c) => {
    const headers = c.req.valid("header");
    const changes = c.req.valid("json");
    const values = { ...c.req.valid("param"), changes, ...versionsToChange(c, headers) };
    const { etag, body } = await (isMove(changes) ? move : mark)(c, values, headers);
    // It changed between the snapshot of the statement and its lock.
    if (body === null || etag === null) throw new Problem(writeConflict.code, writeConflict.detail);
    return respondJson(body, 200, { ETag: formatEtag(etag) });
  },
);

type Change = (
  c: Context<AuthenticatedEnv>,
  values: ChangeParams & { changes: { override_reason?: string | null | undefined } },
  headers: Headers,
) => Promise<ChangedRecord<Appointment>>;

const move: Change = async (c, values, headers) => {
  const result = await moveAppointment(c.get("caller"), values);
  requireWritable(result, "appointment", headers);
  if (result.body !== null) return result;
  if (result.status !== "booked") throw invalidTransition("Only a booked appointment can be moved.", result);
  // The patient was merged or got another owner meanwhile: nothing was checked.
  if (!result.isLocked) return result;
  requireBookableFields(result);
  requireOverride(values.changes.override_reason ?? null, result.mayOverride);
  requireBookable(result.notBookable);
  return result;
};

const mark: Change = async (c, values, headers) => {
  const result = await markAppointment(c.get("caller"), values);
  requireWritable(result, "appointment", headers);
  if (!result.isTransition)
    throw invalidTransition("An appointment with this status cannot get the new one.", result);
  if (!result.isDue)
    throw invalidTransition(
      "It is too early: arrived and fulfilled are possible from the day of the appointment on, no_show from its start on.",
      result,
    );
  return result;
};

const invalidTransition = (detail: string, { status }: { status: string | null }): Problem =>
  new Problem("invalid_transition", detail, { appointment_status: status ?? undefined });
