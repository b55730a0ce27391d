import { Account, NewAccount, TokenPair } from "../../src/auth/contract.ts";
import { newRefreshToken, PASSWORD, signUp, unique } from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

export const authRequests: RouteRequest[] = [
  {
    route: "POST /api/auth/register",
    status: 201,
    answer: NewAccount,
    subject: async () => ({
      body: { username: unique("new-"), email: "new@example.org", password: PASSWORD },
    }),
    access: "open",
    invalid: { password: "short" },
  },
  {
    route: "POST /api/auth/login",
    status: 200,
    answer: TokenPair,
    requests: 2,
    subject: async ({ api }) => ({ body: { username: (await signUp(api)).username, password: PASSWORD } }),
    access: "open",
    invalid: { password: 12345678 },
  },
  {
    route: "POST /api/auth/refresh",
    status: 200,
    answer: TokenPair,
    subject: async (account) => ({ body: { refresh: await newRefreshToken(account) } }),
    access: "open",
    invalid: { refresh: "" },
  },
  {
    route: "POST /api/auth/logout",
    status: 204,
    subject: async (account) => ({ body: { refresh: await newRefreshToken(account) } }),
    access: { toOthers: 400 },
    invalid: { refresh: "" },
  },
  { route: "GET /api/auth/me", status: 200, answer: Account, access: { toOthers: 200 } },
];
