import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { Problem, requireFound } from "../http/problem.ts";
import { validate } from "../http/validate.ts";
import { DoctorChanges, NewDoctor } from "./contract.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";

export const doctors = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listDoctors(c.var.db, c.var.claims, page), page);
  })

  .post("/", validate("json", NewDoctor), async (c) => {
    const doctor = await createDoctor(c.var.db, c.var.claims, c.req.valid("json"));
    return c.json(doctor, 201, { Location: `/api/doctors/${doctor.id}/` });
  })

  .get("/:id", validate("param", ById), async (c) => {
    const { id } = c.req.valid("param");
    return c.json(requireFound(await findDoctor(c.var.db, c.var.claims, id), "doctor"));
  })

  .on(["PUT", "PATCH"], "/:id", validate("param", ById), validate("json", DoctorChanges), async (c) => {
    const { id } = c.req.valid("param");
    const answer = await changeDoctor(c.var.db, c.var.claims, id, c.req.valid("json"));
    requireOwn(answer.target);
    return c.json(requireFound(answer.changed, "doctor"));
  })

  .delete("/:id", validate("param", ById), async (c) => {
    const { id } = c.req.valid("param");
    const { target, assigned, deleted } = await deleteDoctor(c.var.db, c.var.claims, id);
    requireOwn(target);
    if (assigned?.count) throw new Problem(409, stillAssigned(assigned.count));
    requireFound(deleted, "doctor");
    return c.body(null, 204);
  });

/** @throws {Problem} 404 when there is no such doctor, 403 when the caller may not change it */
function requireOwn(doctor: { may_change: boolean } | null): void {
  if (!requireFound(doctor, "doctor").may_change) {
    throw new Problem(
      403,
      "Only the account that created this doctor, or an admin, may change or delete it.",
    );
  }
}

const stillAssigned = (count: number | "at least 1"): string =>
  `This doctor still has ${count} ${count === 1 ? "patient" : "patients"}; end the assignments first.`;
