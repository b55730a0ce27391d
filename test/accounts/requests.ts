import * as z from "zod/mini";
import { AccountDetails } from "../../src/accounts/answers.ts";
import { newAccount } from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const ofAdmin = { as: "admin", access: { toOthers: 403 } } as const;
const ofSomebody = { ...ofAdmin, subject: async () => ({ id: (await newAccount()).id }) };
const one = (method: string) => `${method} /api/accounts/:id`;

export const accountRequests: RouteRequest[] = [
  {
    route: "GET /api/accounts",
    status: 200,
    answer: z.array(AccountDetails),
    recorded: "list_accounts",
    ...ofAdmin,
  },
  { route: one("GET"), status: 200, answer: AccountDetails, recorded: "read_account", ...ofSomebody },
  {
    route: one("PATCH"),
    status: 200,
    answer: AccountDetails,
    recorded: "update_account",
    ...ofAdmin,
    subject: async () => ({ id: (await newAccount()).id, body: { active: false } }),
    invalid: { role: "owner" },
  },
  { route: `${one("DELETE")}/sessions`, status: 204, recorded: "sign_out", ...ofSomebody },
];
