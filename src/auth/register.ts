import { createFactory } from "hono/factory";
import { hashToken } from "../crypto.ts";
import { originOf } from "../http/address.ts";
import type { AppEnv } from "../http/context.ts";
import { invalidFields, Problem } from "../http/problems.ts";
import { limit } from "../http/rate-limits.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { hashPassword } from "./passwords.ts";
import { createAccount } from "./queries.ts";
import { Registration } from "./requests.ts";

/** `POST /register`: creates an account, if the configuration and the invitation say so. */
export const registering = createFactory<AppEnv>().createHandlers(
  limit("REGISTER_LIMITER"),
  validate("json", Registration),
  async (c) => {
    const { REGISTRATION, BCRYPT_COST } = c.get("config");
    const { username, email, password, invitation } = c.req.valid("json");
    if (REGISTRATION === "closed") throw new Problem(403, "Nobody can register here.");
    if (REGISTRATION === "invitation" && invitation === undefined)
      throw invalidFields({ invitation: ["Required: ask an admin for one"] });
    const created = await createAccount(c.get("connection"), {
      ...{ username, email, ...originOf(c) },
      password_hash: await hashPassword(password, BCRYPT_COST),
      code_hash: invitation === undefined ? null : await hashToken(invitation),
    });
    if (!created?.invited) throw invalidFields({ invitation: ["Unknown, used already, or too old"] });
    if (!created.email) throw invalidFields({ email: ["Not the one that was invited"] });
    if (created.taken) throw new Problem(409, USERNAME_TAKEN);
    if (created.body === null) throw invalidFields({ invitation: ["Used already"] });
    return respond(created.body, 201);
  },
);

const USERNAME_TAKEN = "An account with this username already exists.";
