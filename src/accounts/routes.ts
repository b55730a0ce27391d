import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import {
  fieldProblem,
  notFoundProblem,
  Problem,
  requireAdmin,
  requireAdminOrAuditor,
  requireFound,
} from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { listAccounts } from "./list-queries.ts";
import { endAccountSessions, findAccount, updateAccount } from "./queries.ts";
import { AccountChanges, AccountsQuery } from "./requests.ts";

const requireReader = (isAllowed: boolean) => requireAdminOrAuditor(isAllowed, "read accounts");
const requireManager = (isAdmin: boolean) => requireAdmin(isAdmin, "manage accounts");

export const accountRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(AccountsQuery, listAccounts, requireReader))

  .get("/:id", validate("param", IdPath), async (c) => {
    const { isAllowed, body } = await findAccount(c.get("caller"), c.req.valid("param"));
    requireReader(isAllowed);
    return respondJson(requireFound(body, "account"));
  })

  .patch("/:id", validate("param", IdPath), validate("json", AccountChanges), async (c) => {
    const { doctor, username = null, reason = null, ...rest } = c.req.valid("json");
    const changes = doctor === undefined ? rest : { ...rest, doctor_id: doctor };
    const values = { ...c.req.valid("param"), changes, username, reason };
    const { isAdmin, isOwnLink, isOwnEmail, isRenamed, body } = await updateAccount(c.get("caller"), values);
    requireManager(isAdmin);
    if (isOwnLink) throw new Problem("own_account", "Only another admin may link your account to a doctor.");
    if (isOwnEmail)
      throw new Problem("own_account", "Change your own email with PATCH /api/auth/me/ and your password.");
    if (isRenamed) throw fieldProblem("username", "read_only", "Read-only");
    return respondJson(requireFound(body, "account"));
  })

  .delete("/:id/sessions", validate("param", IdPath), async (c) => {
    const { isAdmin, isFound } = await endAccountSessions(c.get("caller"), c.req.valid("param"));
    requireManager(isAdmin);
    if (!isFound) throw notFoundProblem("account");
    return c.body(null, 204);
  });
