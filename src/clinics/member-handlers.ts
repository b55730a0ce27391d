import { createFactory } from "hono/factory";
import { sendAgainOnViolation } from "../db/errors.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { fieldProblem, notFoundProblem, Problem, requireFound } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { addMember, endMember, updateMember } from "./member-queries.ts";
import { MemberChanges, MemberPath, NewMember } from "./requests.ts";
import { requireClinic, requireManager, requireShared } from "./rules.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** `POST /:id/members`: 201, or 200 for a current member, who stays as it is. @throws {Problem} 400, 403, 404, 409 */
export const addMemberHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", NewMember),
  async (c) => {
    const { account = null, username = null, role } = c.req.valid("json");
    const values = { ...c.req.valid("param"), account, username, role };
    const { body, isMissing, isOwn, isCurrent, ...state } = await sendAgainOnViolation(
      "memberships_pkey",
      () => addMember(c.get("caller"), values),
    );
    requireManager(state);
    if (!isCurrent) {
      requireShared(state);
      if (isOwn) throw new Problem("own_membership", "Nobody adds the own account to a clinic.");
      const field = account === null ? "username" : "account";
      if (isMissing)
        throw fieldProblem(
          field,
          "no_such_record",
          "There is no active account that could work in a clinic.",
        );
    }
    return respondJson(requireFound(body, "clinic"), isCurrent ? 200 : 201);
  },
);

/** `PATCH /:id/members/:account`: another role. @throws {Problem} 400, 403, 404, 409 */
export const updateMemberHandlers = createHandlers(
  validate("param", MemberPath),
  validate("json", MemberChanges),
  async (c) => {
    const { role = null } = c.req.valid("json");
    const result = await updateMember(c.get("caller"), { ...c.req.valid("param"), role });
    requireChangeableMember(result);
    if (result.isOwnRaised) throw new Problem("own_membership", "Nobody raises the own role in a clinic.");
    return respondJson(requireFound(result.body, "member"));
  },
);

/** `DELETE /:id/members/:account`: ends the membership. @throws {Problem} 403, 404, 409 */
export const endMemberHandlers = createHandlers(validate("param", MemberPath), async (c) => {
  const result = await endMember(c.get("caller"), c.req.valid("param"));
  requireChangeableMember(result);
  if (!result.isEnded) throw notFoundProblem("member");
  return c.body(null, 204);
});

/** @throws {Problem} 403, 404, 409 */
function requireChangeableMember(
  state: Parameters<typeof requireClinic>[0] & { isOwn: boolean; isMember: boolean },
): void {
  requireClinic(state);
  if (!state.isOwn) requireManager(state);
  if (!state.isMember) throw notFoundProblem("member");
  requireShared(state);
}
