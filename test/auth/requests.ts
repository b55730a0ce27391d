import * as z from "zod/mini";
import { Account, NewAccount, Session, TokenPair } from "../../src/auth/responses.ts";
import {
  insertRefreshToken,
  PASSWORD,
  setPassword,
  signUp,
  type TestAccount,
  uniqueName,
} from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const registration = {
  recorded: "register",
  subject: async () => ({
    body: { username: uniqueName("new-"), email: "new@example.org", password: PASSWORD },
  }),
  invalid: { password: "short" },
};
const login = {
  recorded: "login",
  requests: 2,
  subject: async ({ api }: TestAccount) => ({
    body: { username: (await signUp(api)).username, password: PASSWORD },
  }),
  invalid: { password: 12345678 },
};
const change = {
  recorded: "change_password",
  requests: 2,
  subject: async ({ id }: TestAccount) => {
    await setPassword(id, PASSWORD);
    return { body: { current: PASSWORD, new: "another horse entirely" } };
  },
  invalid: { new: "short" },
};
const ending = { status: 204, recorded: "logout" };
const withRefreshToken = {
  subject: async (account: TestAccount) => ({ body: { refresh: await insertRefreshToken(account) } }),
  invalid: { refresh: "" },
};

export const authRequests: RouteRequest[] = [
  { route: "POST /api/auth/register", status: 201, answer: NewAccount, access: "open", ...registration },
  { route: "POST /api/auth/login", status: 200, answer: TokenPair, access: "open", ...login },
  { route: "POST /api/auth/refresh", status: 200, answer: TokenPair, access: "open", ...withRefreshToken },
  { route: "POST /api/auth/logout", status: 204, access: "open", recorded: "logout", ...withRefreshToken },
  {
    route: "POST /api/auth/password",
    status: 200,
    answer: TokenPair,
    access: { toOthers: 400, outcome: "refused" },
    ...change,
  },
  {
    route: "POST /api/auth/clinic",
    status: 200,
    answer: TokenPair,
    recorded: "move_session",
    subject: async ({ clinic }) => ({ body: { clinic } }),
    invalid: { clinic: 0 },
    access: { toOthers: 404, outcome: "refused" },
  },
  { route: "GET /api/auth/sessions", status: 200, answer: z.array(Session), access: { toOthers: 200 } },
  { route: "DELETE /api/auth/sessions", access: { toOthers: 204 }, ...ending },
  {
    route: "DELETE /api/auth/sessions/:id",
    access: { toOthers: 404 },
    subject: async ({ sid }) => ({ id: sid }),
    ...ending,
  },
  {
    route: "PATCH /api/auth/me",
    status: 200,
    answer: Account,
    access: { toOthers: 400, outcome: "refused" },
    recorded: "update_account",
    requests: 2,
    subject: async ({ id }) => {
      await setPassword(id, PASSWORD);
      return { body: { email: `${uniqueName("moved-")}@example.org`, password: PASSWORD } };
    },
    invalid: { email: "nobody", role: "owner" },
  },
  { route: "GET /api/auth/me", status: 200, answer: Account, access: { toOthers: 200 } },
];
