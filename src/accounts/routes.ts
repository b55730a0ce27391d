import { Hono } from "hono";
import { guard } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { notFound, requireAdmin, requireFound } from "../http/problems.ts";
import { listOf } from "../http/resource-handlers.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { changeAccount, findAccount, listAccounts, signOut } from "./queries.ts";
import { AccountChanges, AccountsQuery } from "./requests.ts";

const require = (isAdmin: boolean) => requireAdmin(isAdmin, "see or change accounts");

export const accounts = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(AccountsQuery, listAccounts, require))

  .get("/:id", validate("param", ById), async (c) => {
    const { admin, body } = await findAccount(c.get("caller"), c.req.valid("param"));
    require(admin);
    return respond(requireFound(body, "account"));
  })

  .patch("/:id", validate("param", ById), validate("json", AccountChanges), async (c) => {
    const { doctor, ...rest } = c.req.valid("json");
    const changes = doctor === undefined ? rest : { ...rest, doctor_id: doctor };
    const { admin, body } = await changeAccount(c.get("caller"), { ...c.req.valid("param"), changes });
    require(admin);
    return respond(requireFound(body, "account"));
  })

  .delete("/:id/sessions", validate("param", ById), async (c) => {
    const { admin, found } = await signOut(c.get("caller"), c.req.valid("param"));
    require(admin);
    if (!found) throw notFound("account");
    return c.body(null, 204);
  });
