import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { getHandlers, nestedListHandlers } from "../http/resource-handlers.ts";
import { createAbsenceHandlers, deleteAbsenceHandlers, getAbsenceHandlers } from "./absence-handlers.ts";
import { listAbsences } from "./absence-queries.ts";
import { AbsencesQuery } from "./requests.ts";
import { putScheduleHandlers } from "./schedule-handlers.ts";
import { findSchedule } from "./schedule-queries.ts";
import { findEarliestSlotsHandlers, findSlotsHandlers } from "./slot-handlers.ts";

/**
 * The routes below a doctor. The app adds them before those of doctors, which end with a `requireAccount` of their own: a
 * request is counted once.
 */
export const doctorScheduleRoutes = new Hono<AppEnv>()
  .use("/:id/schedule", requireAccount)
  .get("/:id/schedule", ...getHandlers("schedule", findSchedule))
  .put("/:id/schedule", ...putScheduleHandlers)
  .use("/:id/slots", requireAccount)
  .get("/:id/slots", ...findSlotsHandlers)
  .use("/:id/absences", requireAccount)
  .get("/:id/absences", ...nestedListHandlers("doctor", AbsencesQuery, listAbsences))
  .post("/:id/absences", ...createAbsenceHandlers);

export const slotRoutes = new Hono<AppEnv>().use(requireAccount).get("/", ...findEarliestSlotsHandlers);

export const absenceRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/:id", ...getAbsenceHandlers)
  .delete("/:id", ...deleteAbsenceHandlers);
