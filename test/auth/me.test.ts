import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";

test.each(["clinician", "admin"] as const)(
  "GET me answers a %s with its own account and nothing else",
  async (role) => {
    const { id, username, get } = await newAccount(undefined, role);
    const account = { id, username, email: `${username}@example.org`, role };
    expect((await get("/api/auth/me/")).body).toEqual(account);
  },
);
