import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { type Account, asOwner, create, newDoctor, newPatient, signUp, unique } from "../support/fixtures.ts";
import { protectedRoutes, type Route } from "../support/routes.ts";

/** Ways in which a genuine token stops being good. */
const revocations: [string, (id: number) => Promise<unknown>][] = [
  ["a disabled account", (id) => asOwner`UPDATE users SET active = false WHERE id = ${id}`],
  [
    "a raised token version",
    (id) => asOwner`UPDATE users SET token_version = token_version + 1 WHERE id = ${id}`,
  ],
  ["an ended session", (id) => asOwner`UPDATE sessions SET ended_at = now() WHERE user_id = ${id}`],
  [
    "an expired session",
    (id) => asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = ${id}`,
  ],
  ["a session that was cleared away", (id) => asOwner`DELETE FROM sessions WHERE user_id = ${id}`],
];

/** Gives an account a patient with a doctor, and a doctor without patients. */
async function settle(account: Account) {
  const patient = (await create(account, "/api/patients/", newPatient())).id;
  const assigned = (await create(account, "/api/doctors/", newDoctor())).id;
  const doctor = (await create(account, "/api/doctors/", newDoctor())).id;
  const mapping = (await create(account, "/api/mappings/", { patient, doctor: assigned })).id;
  return { patient, doctor, mapping };
}

type Records = Awaited<ReturnType<typeof settle>>;

/** A request to the route that does something when the account may: with the right record, and a body that is new. */
function requestOf({ method, path, body }: Route, account: Account, { patient, doctor, mapping }: Records) {
  const onAssignment = path.startsWith("/api/mappings/");
  const ownRecord = onAssignment && method === "DELETE" ? mapping : patient;
  const id = path.startsWith("/api/doctors/") ? doctor : ownRecord;
  const fresh = { ...(body?.["email"] ? { email: `${unique("fresh-")}@example.org` } : {}) };
  const bodies: Record<string, unknown> = {
    "/api/auth/logout/": { refresh: account.refresh },
    "/api/mappings/": { patient, doctor },
  };
  return [method, path.replace(":id", String(id)), body && (bodies[path] ?? { ...body, ...fresh })] as const;
}

/** All that belongs to an account. */
const snapshot = ({ id }: Account) => asOwner`
  SELECT (SELECT json_agg(p ORDER BY id) FROM patients p WHERE created_by = ${id}) AS patients,
         (SELECT json_agg(d ORDER BY id) FROM doctors d WHERE created_by = ${id}) AS doctors,
         (SELECT json_agg(m ORDER BY id) FROM mappings m WHERE owner_id = ${id}) AS mappings,
         (SELECT json_agg(s ORDER BY id) FROM sessions s WHERE user_id = ${id}) AS sessions`;

describe.each(protectedRoutes)("$method $path", (route) => {
  test.each(revocations)(
    "refuses a genuine token of %s in one database request, and changes nothing",
    async (_, revoke) => {
      const api = connectApi();
      const account = await signUp(api);
      const request = requestOf(route, account, await settle(account));
      await revoke(account.id);
      const before = await snapshot(account);
      await api.databaseRequests();
      const printed = watchConsole();

      const answer = await api.request(...request, { token: account.access });

      expect(answer.status).toBe(401);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+", error="invalid_token"$/);
      expect(await api.databaseRequests()).toBe(1);
      expect(printed().join("\n")).not.toContain(account.access);
      expect(await snapshot(account)).toEqual(before);
    },
  );

  test("lets a session pass while another one of its account is over", async () => {
    const api = connectApi();
    const account = await signUp(api);
    const request = requestOf(route, account, await settle(account));
    await asOwner`
      INSERT INTO sessions (user_id, token_version, expires_at, ended_at) VALUES (${account.id}, 1, now(), now())`;
    const answer = await api.request(...request, { token: account.access });
    expect([200, 201, 204]).toContain(answer.status);
  });
});

test("an account that is enabled again may go on", async () => {
  const { id, get } = await signUp(connectApi());
  await asOwner`UPDATE users SET active = false WHERE id = ${id}`;
  expect((await get("/api/auth/me/")).status).toBe(401);
  await asOwner`UPDATE users SET active = true WHERE id = ${id}`;
  expect((await get("/api/auth/me/")).status).toBe(200);
});
