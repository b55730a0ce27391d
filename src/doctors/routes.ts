import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { IdempotencyKey, respondWithMade } from "../http/idempotency.ts";
import { pageOf, respondWithPage } from "../http/pagination.ts";
import {
  etagOf,
  expectedVersions,
  IfMatch,
  IfNoneMatch,
  knownVersions,
  overtaken,
  requireWritable,
  respondIfNew,
} from "../http/preconditions.ts";
import { Problem } from "../http/problem.ts";
import { respond } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validate.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./contract.ts";
import { changeDoctor, createDoctor, deleteDoctor, findDoctor, listDoctors } from "./queries.ts";

export const doctors = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", DoctorsQuery), async (c) => {
    const page = await pageOf(c, c.req.valid("query"));
    return respondWithPage(c, await listDoctors(c.get("caller"), page), page);
  })

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewDoctor), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const made = await createDoctor(c.get("caller"), { record: c.req.valid("json") }, key);
    return respondWithMade(made, { Location: `/api/doctors/${made.id}/`, ETag: etagOf(1) });
  })

  .get("/:id", validate("param", ById), validateHeaders(IfNoneMatch), async (c) => {
    const match = c.req.valid("header");
    const values = { ...c.req.valid("param"), known: knownVersions(match) };
    return respondIfNew(await findDoctor(c.get("caller"), values), match, "doctor");
  })

  .on(
    ["PUT", "PATCH"],
    "/:id",
    validate("param", ById),
    validateHeaders(IfMatch),
    validate("json", DoctorChanges),
    async (c) => {
      const expected = expectedVersions(c, c.req.valid("header"));
      const values = { ...c.req.valid("param"), changes: c.req.valid("json"), expected };
      const { version, body, ...target } = await changeDoctor(c.get("caller"), values);
      requireWritable(target, "doctor");
      if (version === null || body === null) throw overtaken(expected, "doctor");
      return respond(body, 200, { ETag: etagOf(version) });
    },
  )

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
