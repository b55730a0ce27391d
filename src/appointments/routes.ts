import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import { parsePageRequest, respondPage } from "../http/pagination.ts";
import { requireClinicRole } from "../http/problems.ts";
import { creationHeaders, getHandlers } from "../http/resource-handlers.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { changeHandlers } from "./change-handlers.ts";
import { listAppointments } from "./list-queries.ts";
import { bookAppointment, findAppointment } from "./queries.ts";
import { AppointmentsQuery, NewAppointment } from "./requests.ts";
import { requireBookable, requireBookableFields, requireOverride } from "./rules.ts";

export const appointmentRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", validate("query", AppointmentsQuery), async (c) => {
    const request = await parsePageRequest(c, c.req.valid("query"), "starts_at");
    return respondPage(c, await listAppointments(c.get("caller"), request), request);
  })

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewAppointment), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const { minutes = null, note = null, override_reason = null, ...body } = c.req.valid("json");
    const values = { ...body, minutes, note, override_reason };
    const result = await bookAppointment(c.get("caller"), values, key);
    requireReplayable(result);
    if (result.body) return respondCreated(result, creationHeaders("/api/appointments", result));
    requireClinicRole(!result.lacksRole);
    requireBookableFields(result);
    requireOverride(override_reason, result.mayOverride);
    requireBookable(result.notBookable);
    return respondCreated(result);
  })

  .get("/:id", ...getHandlers("appointment", findAppointment))
  .patch("/:id", ...changeHandlers);
