import * as z from "zod/mini";
import { AccountDetails } from "../../src/accounts/responses.ts";
import { newAccount } from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const byAdmin = { as: "admin", access: { toOthers: 403 } } as const;
const aboutOtherAccount = { ...byAdmin, subject: async () => ({ id: (await newAccount()).id }) };
const routeOf = (method: string) => `${method} /api/accounts/:id`;

export const accountRequests: RouteRequest[] = [
  {
    route: "GET /api/accounts",
    status: 200,
    answer: z.array(AccountDetails),
    recorded: "list_accounts",
    ...byAdmin,
  },
  {
    route: routeOf("GET"),
    status: 200,
    answer: AccountDetails,
    recorded: "read_account",
    ...aboutOtherAccount,
  },
  {
    route: routeOf("PATCH"),
    status: 200,
    answer: AccountDetails,
    recorded: "update_account",
    ...byAdmin,
    subject: async () => ({ id: (await newAccount()).id, body: { active: false } }),
    invalid: { role: "owner", reason: "too short" },
  },
  { route: `${routeOf("DELETE")}/sessions`, status: 204, recorded: "sign_out", ...aboutOtherAccount },
];
