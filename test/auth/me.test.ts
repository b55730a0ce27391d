import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, signUp } from "../support/fixtures.ts";

test("me is the caller's id, username, email and role and nothing else, in one database request", async () => {
  const api = connectApi();
  const { id, username, get } = await signUp(api);
  await api.databaseRequests();
  const answer = await get("/api/auth/me/");
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ id, username, email: `${username}@example.org`, role: "clinician" });
  expect(await api.databaseRequests()).toBe(1);
});

test("each caller is told of its own account", async () => {
  const api = connectApi();
  const [one, other] = [await signUp(api), await signUp(api)];
  expect((await one.get("/api/auth/me/")).body.id).toBe(one.id);
  expect((await other.get("/api/auth/me/")).body.id).toBe(other.id);
});

test("a role that an operator gave counts from the next request on", async () => {
  const { id, get } = await signUp(connectApi());
  await asOwner`UPDATE users SET role = 'admin' WHERE id = ${id}`;
  expect((await get("/api/auth/me/")).body.role).toBe("admin");
});
