import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import { hashToken } from "../crypto.ts";
import type { AppEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { fieldProblem, notFoundProblem, Problem, requireAdmin } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { validate } from "../http/validation.ts";
import { listInvitations } from "./list-queries.ts";
import { createInvitation, withdrawInvitation } from "./queries.ts";
import { INVITATION_CODE_BYTES, InvitationsQuery, NewInvitation } from "./requests.ts";
import type { IssuedInvitation } from "./responses.ts";

const requireInviter = (isAdmin: boolean) => requireAdmin(isAdmin, "manage invitations");

export const invitationRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(InvitationsQuery, listInvitations, requireInviter))

  .post("/", validate("json", NewInvitation), async (c) => {
    const { email, role, clinic = null, clinic_role = null } = c.req.valid("json");
    const random = crypto.getRandomValues(new Uint8Array(INVITATION_CODE_BYTES));
    const code = random.toBase64({ alphabet: "base64url", omitPadding: true });
    const { id, expires_at, ...state } = await createInvitation(c.get("caller"), {
      ...{ email, role, clinic, clinic_role, code_hash: await hashToken(code) },
      is_registration_open: c.get("config").REGISTRATION !== "closed",
    });
    if (role === "clinician" && state.roleInClinic !== null && !state.canInvite)
      throw new Problem("clinic_role_required", "Your role in this clinic does not allow this.");
    requireInviter(state.canInvite);
    if (state.isClinicMissing)
      throw fieldProblem("clinic", "no_such_record", "There is no such shared clinic.");
    if (id === null)
      throw new Problem("invitation_unusable", "Registration is closed: an invitation could not be used.");
    const issued: IssuedInvitation = { id, email, role, clinic, clinic_role, code, expires_at };
    return c.json(issued, 201);
  })

  .delete("/:id", validate("param", IdPath), async (c) => {
    const { isAdmin, isDeleted } = await withdrawInvitation(c.get("caller"), c.req.valid("param"));
    requireInviter(isAdmin);
    if (!isDeleted) throw notFoundProblem("invitation");
    return c.body(null, 204);
  });
