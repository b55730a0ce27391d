import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { notFound, Problem, requireFound } from "../http/problem.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validate.ts";
import { DoctorChanges, NewDoctor } from "./contract.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";

export const doctors = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listDoctors(c.get("caller"), page), page);
  })

  .post("/", validate("json", NewDoctor), async (c) => {
    const { id, body } = await createDoctor(c.get("caller"), { record: c.req.valid("json") });
    return respond(body, 201, { Location: `/api/doctors/${id}/` });
  })

  .get("/:id", validate("param", ById), async (c) => {
    const { body } = await findDoctor(c.get("caller"), c.req.valid("param"));
    return respond(requireFound(body, "doctor"));
  })

  .on(["PUT", "PATCH"], "/:id", validate("param", ById), validate("json", DoctorChanges), async (c) => {
    const values = { ...c.req.valid("param"), changes: c.req.valid("json") };
    const { changeable, body } = await changeDoctor(c.get("caller"), values);
    requireChangeable(changeable);
    return respond(requireFound(body, "doctor"));
  })

  .delete("/:id", validate("param", ById), async (c) => {
    const { changeable, assigned, gone } = await deleteDoctor(c.get("caller"), c.req.valid("param"));
    requireChangeable(changeable);
    if (assigned) throw new Problem(409, stillAssigned(assigned));
    if (!gone) throw notFound("doctor");
    return c.body(null, 204);
  });

/** @throws {Problem} 404 when there is no such doctor, 403 when the caller may not change it */
function requireChangeable(changeable: boolean | null): void {
  if (requireFound(changeable, "doctor")) return;
  throw new Problem(403, "Only the account that created this doctor, or an admin, may change or delete it.");
}

const stillAssigned = (count: number | "at least 1"): string =>
  `This doctor still has ${count} ${typeof count === "number" && count > 1 ? "patients" : "patient"}; end the assignments first.`;
