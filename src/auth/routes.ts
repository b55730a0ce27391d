import { Hono } from "hono";
import { sessionIdleMinutes } from "../config.ts";
import type { AppEnv } from "../http/context.ts";
import { notFoundProblem } from "../http/problems.ts";
import { rateLimit } from "../http/rate-limits.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { changeOwnAccountHandlers } from "./change-own-account.ts";
import { changePasswordHandlers } from "./change-password.ts";
import { loginHandlers } from "./login.ts";
import { moveSessionHandlers } from "./move-session.ts";
import { findOwnAccount } from "./own-account-queries.ts";
import { logoutHandlers, refreshHandlers } from "./refresh.ts";
import { registerHandlers } from "./register.ts";
import { SessionIdPath } from "./requests.ts";
import { requireAccount } from "./require-account.ts";
import { endAllSessions, endSession, listSessions } from "./session-queries.ts";

export const authRoutes = new Hono<AppEnv>()
  .post("/register", ...registerHandlers)
  .post("/login", ...loginHandlers)
  .post("/refresh", ...refreshHandlers)
  .post("/logout", ...logoutHandlers)

  .get("/me", requireAccount, async (c) => respondJson((await findOwnAccount(c.get("caller"), {})).body))
  .patch("/me", requireAccount, rateLimit("LOGIN_LIMITER"), ...changeOwnAccountHandlers)
  .post("/password", requireAccount, rateLimit("LOGIN_LIMITER"), ...changePasswordHandlers)

  .post("/clinic", requireAccount, ...moveSessionHandlers)

  .get("/sessions", requireAccount, async (c) => {
    const { body } = await listSessions(c.get("caller"), {
      idle_minutes: sessionIdleMinutes(c.get("config")),
    });
    return respondJson(body);
  })
  .delete("/sessions", requireAccount, async (c) => {
    await endAllSessions(c.get("caller"), {});
    return c.body(null, 204);
  })
  .delete("/sessions/:id", requireAccount, validate("param", SessionIdPath), async (c) => {
    const { isEnded } = await endSession(c.get("caller"), c.req.valid("param"));
    if (!isEnded) throw notFoundProblem("session");
    return c.body(null, 204);
  });
