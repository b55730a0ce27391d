import { expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { requests } from "../requests.ts";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { comparable } from "../support/problems.ts";
import { createDoctor } from "../support/records.ts";
import { type RouteRequest, type Subject, send } from "../support/route-requests.ts";
import { relations, table } from "./table.ts";

/** The account of a doctor to whom all of an account's patients are assigned. */
async function doctorsAccount(owner: Account): Promise<Account> {
  const [assigned] = await asOwner`SELECT doctor_id AS id FROM mappings WHERE owner_id = ${owner.id}`;
  const [doctor, account] = [assigned ?? (await createDoctor(owner)), await newAccount(owner.api)];
  await asOwner`UPDATE users SET doctor_id = ${doctor.id} WHERE id = ${account.id}`;
  await asOwner`
    INSERT INTO mappings (patient_id, owner_id, doctor_id)
    SELECT id, owner_id, ${doctor.id}::int FROM patients WHERE ${owner.id} IN (owner_id, deleted_from)
    ON CONFLICT DO NOTHING`;
  return account;
}

/** An account that was an admin until the API took that from it. */
async function demoted(owner: Account): Promise<Account> {
  const [one, other] = [await newAccount(owner.api, "admin"), await newAccount(owner.api, "admin")];
  await other.patch(`/api/accounts/${one.id}/`, { role: "clinician" });
  return one;
}

async function disabled(owner: Account): Promise<Account> {
  await asOwner`UPDATE users SET active = false WHERE id = ${owner.id}`;
  return owner;
}

const asking: Record<(typeof relations)[number], (owner: Account) => Promise<Account>> = {
  nobody: async (owner) => ({ ...owner, ...owner.api, token: "" }),
  owner: async (owner) => owner,
  "another account": ({ api }) => newAccount(api),
  "the doctor's account": doctorsAccount,
  admin: ({ api }) => newAccount(api, "admin"),
  disabled,
  "demoted a moment ago": demoted,
};

/** A record of an account's, or of an admin's where only they make such; nothing else of it is an admin's. */
async function ready({ route, subject }: RouteRequest): Promise<{ owner: Account; about: Subject }> {
  const owner = await newAccount(connectApi());
  const maker = route.includes("/api/invitations") ? await newAccount(owner.api, "admin") : owner;
  return { owner, about: (await subject?.(maker)) ?? {} };
}

test("every route has a row, and every row a route", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const patterns = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(table).sort()).toEqual([...patterns].sort());
});

const cells = requests.flatMap((request) =>
  relations.map((relation, at) => ({ ...request, request, relation, expected: table[request.route]?.[at] })),
);

test.each(cells)("$route is $expected to $relation", async ({ request, relation, expected }) => {
  const { owner, about } = await ready(request);
  const account = await asking[relation](owner);
  const answer = await send(account, request, about);
  expect(answer.status).toBe(expected);
  if (answer.status < 400 || !request.route.includes(":id")) return;
  // Whoever may not see a record learns nothing of it: the answer is that to the id of nobody's.
  const seesIt = relation === "the doctor's account" || request.route.includes("/doctors/");
  if (answer.status === 403 && seesIt && !request.as) return;
  const unknown = typeof about.id === "string" ? crypto.randomUUID() : 2_147_483_647;
  expect(comparable(await send(account, request, { ...about, id: unknown }))).toEqual(comparable(answer));
});
