import { Hono } from "hono";
import { hashToken } from "../crypto.ts";
import type { AppEnv } from "../http/context.ts";
import { invalidFields, notFound } from "../http/problems.ts";
import { limit } from "../http/rate-limits.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { changingPassword } from "./change-password.ts";
import { loggingIn, refreshing } from "./login.ts";
import { registering } from "./register.ts";
import { RefreshToken, SessionById } from "./requests.ts";
import { guard } from "./require-account.ts";
import { endSession, endSessionOf, endSessions, findOwnAccount, listSessions } from "./session-queries.ts";

export const auth = new Hono<AppEnv>()
  .post("/register", ...registering)
  .post("/login", ...loggingIn)
  .post("/refresh", ...refreshing)

  .post("/logout", guard, validate("json", RefreshToken), async (c) => {
    const token_hash = await hashToken(c.req.valid("json").refresh);
    const { ended } = await endSessionOf(c.get("caller"), { token_hash });
    if (!ended) throw invalidFields({ refresh: ["There is no such session of yours."] });
    return c.body(null, 204);
  })

  .get("/me", guard, async (c) => respond((await findOwnAccount(c.get("caller"), {})).body))
  .post("/password", guard, limit("LOGIN_LIMITER"), ...changingPassword)

  .get("/sessions", guard, async (c) => {
    const { body } = await listSessions(c.get("caller"), { idle_days: c.get("config").SESSION_IDLE_DAYS });
    return respond(body);
  })
  .delete("/sessions", guard, async (c) => {
    await endSessions(c.get("caller"), {});
    return c.body(null, 204);
  })
  .delete("/sessions/:id", guard, validate("param", SessionById), async (c) => {
    const { ended } = await endSession(c.get("caller"), c.req.valid("param"));
    if (!ended) throw notFound("session");
    return c.body(null, 204);
  });
