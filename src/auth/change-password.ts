import { createFactory } from "hono/factory";
import { networkOf } from "../http/address.ts";
import { invalidFields } from "../http/problems.ts";
import { tooMany } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { changePassword, findOwnPassword } from "./password-queries.ts";
import { hashPassword, matchingForm } from "./passwords.ts";
import { ownNameFault, PasswordChange } from "./requests.ts";
import type { GuardedEnv } from "./require-account.ts";

/** `POST /password`: changes the caller's password, and ends its other sessions. */
export const changingPassword = createFactory<GuardedEnv>().createHandlers(
  validate("json", PasswordChange),
  async (c) => {
    const { BCRYPT_COST: cost } = c.get("config");
    const { current, new: wanted } = c.req.valid("json");
    const network = networkOf(c);
    const { admitted, wait, known, ...account } = await findOwnPassword(c.get("caller"), { network });
    if (!admitted) throw tooMany(wait);
    const matching = await matchingForm(current, account, cost);
    const isOld = matching?.normalize("NFC") === wanted;
    const fault = isOld ? "Must not be the password that it replaces" : ownNameFault(wanted, account);
    const isRight = matching !== undefined;
    const { changed } = await changePassword(c.get("caller"), {
      ...{ network, known },
      password_hash: isRight ? account.password_hash : null,
      new_hash: isRight && !fault ? await hashPassword(wanted, cost) : null,
    });
    if (isRight && fault) throw invalidFields({ new: [fault] });
    if (!changed) throw invalidFields({ current: ["Not the password of this account"] });
    return c.body(null, 204);
  },
);
