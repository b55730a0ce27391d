import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import { parsePageRequest, respondPage } from "../http/pagination.ts";
import { fieldProblem, Problem, requireAdmin, requireFound } from "../http/problems.ts";
import { nestedListHandlers } from "../http/resource-handlers.ts";
import { respondJson } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { createClinic } from "./create-queries.ts";
import { listClinics, listMembers } from "./list-queries.ts";
import { addMemberHandlers, endMemberHandlers, updateMemberHandlers } from "./member-handlers.ts";
import { findClinic, updateClinic } from "./queries.ts";
import { ClinicChanges, ClinicsQuery, MembersQuery, NewClinic } from "./requests.ts";
import { deleteEmptyClinic, requireManager } from "./rules.ts";

const path = "/api/clinics";

const unknownZone = () =>
  fieldProblem(
    "time_zone",
    "invalid_value",
    "Must be the name of a time zone that the database knows, such as Europe/Berlin",
  );

export const clinicRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", validate("query", ClinicsQuery), async (c) => {
    const request = await parsePageRequest(c, c.req.valid("query"));
    const filters = { ...request.filters, default_time_zone: c.get("config").TIME_ZONE };
    return respondPage(c, await listClinics(c.get("caller"), { ...request, filters }), request);
  })

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewClinic), async (c) => {
    const { TIME_ZONE: default_time_zone } = c.get("config");
    const { name, manager, time_zone = default_time_zone } = c.req.valid("json");
    const record = { name, time_zone, manager };
    const key = c.req.valid("header")["Idempotency-Key"];
    const result = await createClinic(c.get("caller"), { record, default_time_zone }, key);
    requireAdmin(result.isAdmin, "create clinics");
    requireReplayable(result);
    if (result.isOwnManager)
      throw new Problem("own_membership", "Name another account, or leave manager out. Nothing was created.");
    if (result.isManagerMissing)
      throw fieldProblem(
        "manager",
        "no_such_record",
        "There is no active account that could work in a clinic.",
      );
    if (!result.isKnownZone) throw unknownZone();
    return respondCreated(result, { Location: `${path}/${result.id}/` });
  })

  .get("/:id", validate("param", IdPath), async (c) => {
    const values = { ...c.req.valid("param"), default_time_zone: c.get("config").TIME_ZONE };
    const { body } = await findClinic(c.get("caller"), values);
    return respondJson(requireFound(body, "clinic"));
  })

  .patch("/:id", validate("param", IdPath), validate("json", ClinicChanges), async (c) => {
    const { name = null, time_zone = null, active = null } = c.req.valid("json");
    const default_time_zone = c.get("config").TIME_ZONE;
    const values = { ...c.req.valid("param"), name, time_zone, active, default_time_zone };
    const { body, isPersonalDeactivated, isKnownZone, ...state } = await updateClinic(
      c.get("caller"),
      values,
    );
    requireManager(state);
    if (isPersonalDeactivated)
      throw fieldProblem("active", "read_only", "Read-only: a personal clinic is always active");
    if (!isKnownZone) throw unknownZone();
    return respondJson(requireFound(body, "clinic"));
  })

  .delete("/:id", validate("param", IdPath), async (c) => {
    const default_time_zone = c.get("config").TIME_ZONE;
    await deleteEmptyClinic(c.get("caller"), { ...c.req.valid("param"), default_time_zone });
    return c.body(null, 204);
  })

  .get("/:id/members", ...nestedListHandlers("clinic", MembersQuery, listMembers))
  .post("/:id/members", ...addMemberHandlers)
  .patch("/:id/members/:account", ...updateMemberHandlers)
  .delete("/:id/members/:account", ...endMemberHandlers);
