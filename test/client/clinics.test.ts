import { afterAll, expect, inject, test, vi } from "vitest";
import {
  type Client,
  createClient,
  type Hooks,
  type OutgoingRequest,
  type Tokens,
} from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newPatient, PASSWORD, signUp, slowDatabase } from "./support.ts";

// A session that moves to another clinic, by this client or by another one that shares its tokens.

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

/** Creates a shared clinic with the account as a member. */
async function newClinicOf(account: number): Promise<number> {
  const [row] = await query(
    inject("database").ownerUrl,
    "INSERT INTO clinics (name, kind) VALUES ('Shared', 'shared') RETURNING id",
  );
  await query(
    inject("database").ownerUrl,
    `INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active) VALUES ($1, $2, 'clerk', '', true)`,
    [row?.["id"], account],
  );
  return Number(row?.["id"]);
}

/**
 * Two clients that share the tokens of a session, as two tabs do where there are no locks.
 *
 * @param hooks of the second one
 */
async function twoTabs(hooks: Hooks = {}) {
  const changes: number[] = [];
  let stored: Tokens | undefined;
  const gateway = await openGateway(served.origin);
  const first = await signUp(served.origin, {
    onTokens: (tokens) => {
      stored = tokens;
    },
    loadTokens: () => stored,
  });
  const second = createClient({
    url: gateway.origin,
    tokens: first.tokens,
    loadTokens: () => stored,
    onTokens: (tokens) => {
      stored = tokens;
    },
    onClinicChange: (clinic) => changes.push(clinic),
    ...hooks,
  });
  const { id } = await first.me();
  return { first, second, changes, gateway, account: id, clinic: await newClinicOf(id) };
}

test("moveToClinic continues in the clinic, and back", async () => {
  const { first, account, clinic } = await twoTabs();
  await first.moveToClinic(clinic);
  expect(first.tokens?.clinic).toBe(clinic);
  expect((await first.me()).clinic).toMatchObject({ id: clinic, role: "clerk" });
  await first.moveToClinic(account);
  expect((await first.me()).clinic).toMatchObject({ id: account, kind: "personal" });
  await expect(first.moveToClinic(2_147_483_647)).rejects.toMatchObject({ status: 404 });
});

/** Requires that both tabs work in the clinic, with a refresh token that is not used up. */
async function expectBothIn(clinic: number, tabs: Client[]): Promise<void> {
  for (const tab of tabs) await tab.me().catch(() => {}); // takes over the tokens of the other tab
  for (const tab of tabs) {
    await tab.refresh();
    expect((await tab.me()).clinic.id).toBe(clinic);
  }
}

test("when another tab refreshes while a move is sent, the move is sent again, and both tabs continue in the clinic", async () => {
  const { first, second, clinic } = await twoTabs();
  let refreshed: Promise<void> | undefined;
  const onRequest = () => {
    refreshed ??= second.refresh();
    return refreshed;
  };
  await first.moveToClinic(clinic, { onRequest });
  await expectBothIn(clinic, [first, second]);
});

test("a login while a move is sent again does not move the new session", async () => {
  const { first, second, account, clinic } = await twoTabs();
  const { username } = await first.me();
  let login: Promise<void> | undefined;
  const onRequest = async () => {
    if (login) return;
    const { tokens } = first;
    await second.refresh();
    login = first.login({ username, password: PASSWORD }); // it ends after the move, which saves first
    await vi.waitUntil(() => first.tokens !== tokens, { timeout: 60_000 });
  };
  await expect(first.moveToClinic(clinic, { onRequest })).rejects.toMatchObject({ status: 400 });
  await login;
  expect((await first.me()).clinic.id).toBe(account);
});

test("when another tab moves while a refresh is sent, both tabs continue in the clinic", async () => {
  let move: (() => Promise<void>) | undefined;
  const onRequest = ({ url }: OutgoingRequest) => (url.endsWith("/refresh/") ? move?.() : undefined);
  const { first, second, clinic } = await twoTabs({ onRequest });
  let moved: Promise<void> | undefined;
  move = () => {
    moved ??= first.moveToClinic(clinic);
    return moved;
  };
  await second.refresh();
  expect(moved).toBeDefined();
  await expectBothIn(clinic, [first, second]);
});

test("tokens that a client without clinics has stored are known to be for the personal clinic", async () => {
  const { first, clinic } = await twoTabs();
  let stored = first.tokens;
  const { clinic: _, ...older } = first.tokens ?? { access: "", refresh: "", expiresAt: 0 };
  const other = createClient({ url: served.origin, tokens: older, loadTokens: () => stored });
  await first.moveToClinic(clinic);
  stored = first.tokens;
  await expect(other.patients.create(newPatient())).rejects.toMatchObject({ code: "clinic_changed" });
});

test("a create in another tab after a move fails with clinic_changed, is not sent again, and the application is told", async () => {
  const { first, second, changes, gateway, clinic } = await twoTabs();
  await first.moveToClinic(clinic);
  await expect(second.patients.create(newPatient())).rejects.toMatchObject({ code: "clinic_changed" });
  expect(gateway.requests.filter(({ line }) => line === "POST /api/patients/")).toHaveLength(1);
  expect(changes).toEqual([clinic]);
  expect(await Array.fromAsync(first.patients.list())).toEqual([]);
  expect((await second.patients.create(newPatient())).created_by).toBe((await first.me()).id);
});

test("a create whose access token had expired when another tab moved is not sent at all", async () => {
  const { first, second, gateway, clinic } = await twoTabs();
  await first.moveToClinic(clinic);
  const tokens = second.tokens;
  if (tokens) tokens.expiresAt = 0;
  await expect(second.patients.create(newPatient())).rejects.toMatchObject({ code: "clinic_changed" });
  expect(gateway.requests.map(({ line }) => line)).not.toContain("POST /api/patients/");
});

test("when the membership has ended, the call fails, and the next one is for the personal clinic", async () => {
  const { first, second, changes, account, clinic } = await twoTabs();
  await first.moveToClinic(clinic);
  await expect(second.me()).rejects.toMatchObject({ code: "clinic_changed" });
  await query(inject("database").ownerUrl, "UPDATE memberships SET ended_at = now() WHERE clinic_id = $1", [
    clinic,
  ]);
  await expect(second.patients.create(newPatient())).rejects.toMatchObject({ code: "clinic_changed" });
  expect(changes).toEqual([clinic, account]);
  expect((await second.me()).clinic.id).toBe(account);
});

test("a login as another account is no change of the clinic", async () => {
  const changes: number[] = [];
  const onClinicChange = (clinic: number) => changes.push(clinic);
  const api = await signUp(served.origin, { onClinicChange });
  const other = await signUp(served.origin);
  const { username } = await other.me();
  await api.login({ username, password: "correct horse battery" });
  expect(changes).toEqual([]);
});
