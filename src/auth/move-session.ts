import { createFactory } from "hono/factory";
import { hashToken } from "../crypto.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { fieldProblem, notFoundProblem } from "../http/problems.ts";
import { validate } from "../http/validation.ts";
import { moveSession } from "./move-session-queries.ts";
import { userAgentOf } from "./new-session.ts";
import { newRefreshToken, refreshTokenSuccessors } from "./refresh-token.ts";
import { ClinicChoice } from "./requests.ts";
import { respondTokenPair } from "./token-pair.ts";

/**
 * `POST /clinic`: moves the session to another clinic, and responds with new tokens for it. A client whose response was lost
 * refreshes with the token that it has sent here: within its grace period that returns the same refresh token.
 */
export const moveSessionHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("json", ClinicChoice),
  async (c) => {
    const config = c.get("config");
    const caller = c.get("caller");
    const { clinic, refresh: spentToken } = c.req.valid("json");
    const [successor] = spentToken === undefined ? [] : await refreshTokenSuccessors(spentToken, config);
    const refresh = successor ?? (await newRefreshToken(config));
    const { isMember, isMoved } = await moveSession(caller, {
      clinic,
      spent_hash: spentToken === undefined ? null : await hashToken(spentToken),
      token_hash: await hashToken(refresh),
      user_agent: userAgentOf(c),
    });
    if (!isMember) throw notFoundProblem("clinic");
    if (!isMoved)
      throw fieldProblem("refresh", "invalid_value", "Not an unused refresh token of this session");
    return respondTokenPair(c, { ...caller.claims, clinic_id: clinic }, refresh);
  },
);
