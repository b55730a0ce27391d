import { Hono } from "hono";
import { guard } from "../auth/require-account.ts";
import { hashToken } from "../crypto.ts";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { notFound, Problem, requireAdmin } from "../http/problems.ts";
import { listOf } from "../http/resource-handlers.ts";
import { validate } from "../http/validation.ts";
import { invite, listInvitations, withdraw } from "./queries.ts";
import { InvitationsQuery, NewInvitation } from "./requests.ts";
import type { IssuedInvitation } from "./responses.ts";

const require = (isAdmin: boolean) => requireAdmin(isAdmin, "invite");

/** 160 bits, that nobody guesses. */
const CODE_BYTES = 20;

export const invitations = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(InvitationsQuery, listInvitations, require))

  .post("/", validate("json", NewInvitation), async (c) => {
    const { email, role } = c.req.valid("json");
    const random = crypto.getRandomValues(new Uint8Array(CODE_BYTES));
    const code = random.toBase64({ alphabet: "base64url", omitPadding: true });
    const { admin, id, expires_at } = await invite(c.get("caller"), {
      ...{ email, role, code_hash: await hashToken(code) },
      possible: c.get("config").REGISTRATION !== "closed",
    });
    require(admin);
    if (id === null) throw new Problem(409, "Nobody can register here: an invitation could not be used.");
    const issued: IssuedInvitation = { id, email, role, code, expires_at };
    return c.json(issued, 201);
  })

  .delete("/:id", validate("param", ById), async (c) => {
    const { admin, gone } = await withdraw(c.get("caller"), c.req.valid("param"));
    require(admin);
    if (!gone) throw notFound("invitation");
    return c.body(null, 204);
  });
