import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { guard } from "../http/guard.ts";
import { Problem } from "../http/problem.ts";
import { changeOf, creationOf, deletionOf, listOf, readingOf } from "../http/resource.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./contract.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";

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
