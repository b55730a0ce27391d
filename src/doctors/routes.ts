import { Hono } from "hono";
import { guard } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem } from "../http/problems.ts";
import { changeOf, creationOf, deletionOf, listOf, readingOf } from "../http/resource-handlers.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./requests.ts";

export const doctors = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(DoctorsQuery, listDoctors))
  .post("/", ...creationOf("/api/doctors", NewDoctor, createDoctor, "doctors_email_key"))
  .get("/:id", ...readingOf("doctor", findDoctor))
  .on(["PUT", "PATCH"], "/:id", ...changeOf("doctor", DoctorChanges, changeDoctor))
  .delete("/:id", ...deletionOf("doctor", deleteDoctor, refuseAssigned));

/** @throws {Problem} 409 while patients are assigned */
function refuseAssigned({ assigned }: { assigned: number | "at least 1" }): void {
  if (assigned === 0) return;
  const patients = assigned === 1 || assigned === "at least 1" ? "patient" : "patients";
  throw new Problem(409, `This doctor still has ${assigned} ${patients}; end the assignments first.`);
}
