import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { expectedVersions, IfMatch, overtaken, requireWritable } from "../http/preconditions.ts";
import { Problem } from "../http/problem.ts";
import { changeOf, creationOf, listOf, readingOf } from "../http/resource.ts";
import { validate, validateHeaders } from "../http/validate.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./contract.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";

export const doctors = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(DoctorsQuery, listDoctors))
  .post("/", ...creationOf("/api/doctors", NewDoctor, createDoctor))
  .get("/:id", ...readingOf("doctor", findDoctor))
  .on(["PUT", "PATCH"], "/:id", ...changeOf("doctor", DoctorChanges, changeDoctor))
  .delete("/:id", validate("param", ById), validateHeaders(IfMatch), async (c) => {
    const expected = expectedVersions(c, c.req.valid("header"));
    const values = { ...c.req.valid("param"), expected };
    const { assigned, gone, ...target } = await deleteDoctor(c.get("caller"), values);
    requireWritable(target, "doctor");
    if (assigned) throw new Problem(409, stillAssigned(assigned));
    if (!gone) throw overtaken(expected, "doctor");
    return c.body(null, 204);
  });

const stillAssigned = (count: number | "at least 1"): string =>
  `This doctor still has ${count} ${typeof count === "number" && count > 1 ? "patients" : "patient"}; end the assignments first.`;
