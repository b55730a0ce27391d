import { expect, onTestFinished, test } from "vitest";
import { app } from "../../src/app.ts";
import { requests } from "../requests.ts";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { comparable } from "../support/problems.ts";
import { createDoctor } from "../support/records.ts";
import { methodOf, type RouteRequest, type Subject, send } from "../support/route-requests.ts";
import { relations, table } from "./table.ts";

/** The account of a doctor to whom all patients of `owner` are assigned. */
async function createDoctorsAccount(owner: Account): Promise<Account> {
  const [assigned] = await asOwner`SELECT doctor_id AS id FROM mappings WHERE owner_id = ${owner.id}`;
  const [doctor, account] = [assigned ?? (await createDoctor(owner)), await newAccount(owner.api)];
  await asOwner`UPDATE users SET doctor_id = ${doctor.id} WHERE id = ${account.id}`;
  await asOwner`
    INSERT INTO mappings (patient_id, owner_id, doctor_id)
    SELECT id, owner_id, ${doctor.id}::int FROM patients WHERE ${owner.id} IN (owner_id, deleted_from)
    ON CONFLICT DO NOTHING`;
  return account;
}

/** An account that was an admin until the API made it a clinician; its token is older. */
async function createDemotedAdmin(): Promise<Account> {
  const [demoted, admin] = [await newAccount(undefined, "admin"), await newAccount(undefined, "admin")];
  await admin.patch(`/api/accounts/${demoted.id}/`, { role: "clinician" });
  return demoted;
}

// Its token is refused everywhere, so all routes can share it.
const demotedAdmin = await createDemotedAdmin();

/** Disables an account until the end of the test. */
async function disable(owner: Account): Promise<Account> {
  await asOwner`UPDATE users SET active = false WHERE id = ${owner.id}`;
  onTestFinished(async () => {
    await asOwner`UPDATE users SET active = true WHERE id = ${owner.id}`;
  });
  return owner;
}

const callers: Record<(typeof relations)[number], (owner: Account) => Promise<Account>> = {
  nobody: async (owner) => ({ ...owner, ...owner.api, token: "" }),
  owner: async (owner) => owner,
  "another account": ({ api }) => newAccount(api),
  "the doctor's account": createDoctorsAccount,
  admin: ({ api }) => newAccount(api, "admin"),
  disabled: disable,
  "demoted a moment ago": async () => demotedAdmin,
};
interface World {
  owner: Account;
  about: Subject;
}

/** An account and a subject of its own for a route's request. Only admins invite, so an invitation belongs to another account. */
async function createWorld({ route, subject }: RouteRequest): Promise<World> {
  const owner = await newAccount(connectApi());
  const creator = route.includes("/api/invitations") ? await newAccount(owner.api, "admin") : owner;
  return { owner, about: (await subject?.(creator)) ?? {} };
}

const worlds = new Map<string, Promise<World>>();

/** The world that all requests of a route share which are refused or only read. */
function sharedWorld(request: RouteRequest): Promise<World> {
  const world = worlds.get(request.route) ?? createWorld(request);
  worlds.set(request.route, world);
  return world;
}

test("every route has a row, and every row a route", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const patterns = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(table).sort()).toEqual([...patterns].sort());
});

const cells = requests.flatMap((request) =>
  relations.map((relation, index) => ({
    route: request.route,
    request,
    relation,
    expected: table[request.route]?.[index] ?? 0,
  })),
);

test.each(cells)("$route returns $expected to $relation", async ({ request, relation, expected }) => {
  const changes = expected < 400 && methodOf(request) !== "GET";
  const { owner, about } = await (changes ? createWorld(request) : sharedWorld(request));
  const account = await callers[relation](owner);
  const answer = await send(account, request, about);
  expect(answer.status).toBe(expected);
  if (answer.status < 400 || !request.route.includes(":id")) return;
  // A caller who may not see a record learns nothing of it: the response is the same as for an unknown id.
  const canSee = relation === "the doctor's account" || request.route.includes("/doctors/");
  if (answer.status === 403 && canSee && !request.as) return;
  const unknown = typeof about.id === "string" ? crypto.randomUUID() : 2_147_483_647;
  expect(comparable(await send(account, request, { ...about, id: unknown }))).toEqual(comparable(answer));
});
