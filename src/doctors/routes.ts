import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem } from "../http/problems.ts";
import {
  deleteHandlers,
  getHandlers,
  listHandlers,
  postHandlers,
  updateHandlers,
} from "../http/resource-handlers.ts";
import { createDoctor } from "./create-queries.ts";
import { listDoctors } from "./list-queries.ts";
import { deleteDoctor, findDoctor, updateDoctor } from "./queries.ts";
import { reassignHandlers } from "./reassign.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./requests.ts";

export const doctorRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(DoctorsQuery, listDoctors))
  .post("/", ...postHandlers("/api/doctors", NewDoctor, createDoctor, "doctors_email_key"))
  .get("/:id", ...getHandlers("doctor", findDoctor))
  .on(["PUT", "PATCH"], "/:id", ...updateHandlers("doctor", DoctorChanges, updateDoctor, "doctors_email_key"))
  .delete("/:id", ...deleteHandlers("doctor", deleteDoctor, requireUnassigned))
  .post("/:id/reassign", ...reassignHandlers);

/** @throws {Problem} 409 while the doctor has patients, and when it ever had an appointment */
function requireUnassigned({
  assigned,
  hasAppointments,
}: {
  assigned: number | "at least 1";
  hasAppointments: boolean;
}): void {
  if (assigned === 0 && hasAppointments)
    throw new Problem(
      "doctor_has_appointments",
      "Patients have or had appointments with this doctor. Set active to false instead.",
    );
  if (assigned === 0) return;
  const patients = assigned === 1 || assigned === "at least 1" ? "patient" : "patients";
  throw new Problem(
    "doctor_has_patients",
    `This doctor still has ${assigned} ${patients}; end the assignments first.`,
  );
}
