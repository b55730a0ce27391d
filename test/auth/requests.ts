import { Account, NewAccount, TokenPair } from "../../src/auth/contract.ts";
import { type Account as Caller, newRefreshToken, PASSWORD, signUp, unique } from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const registration = {
  recorded: "register",
  subject: async () => ({ body: { username: unique("new-"), email: "new@example.org", password: PASSWORD } }),
  invalid: { password: "short" },
};
const login = {
  recorded: "login",
  requests: 2,
  subject: async ({ api }: Caller) => ({
    body: { username: (await signUp(api)).username, password: PASSWORD },
  }),
  invalid: { password: 12345678 },
};
const withRefreshToken = {
  subject: async (account: Caller) => ({ body: { refresh: await newRefreshToken(account) } }),
  invalid: { refresh: "" },
};

export const authRequests: RouteRequest[] = [
  { route: "POST /api/auth/register", status: 201, answer: NewAccount, access: "open", ...registration },
  { route: "POST /api/auth/login", status: 200, answer: TokenPair, access: "open", ...login },
  { route: "POST /api/auth/refresh", status: 200, answer: TokenPair, access: "open", ...withRefreshToken },
  {
    route: "POST /api/auth/logout",
    status: 204,
    access: { toOthers: 400 },
    recorded: "logout",
    ...withRefreshToken,
  },
  { route: "GET /api/auth/me", status: 200, answer: Account, access: { toOthers: 200 } },
];
