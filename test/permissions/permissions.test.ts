import { expect, onTestFinished, test } from "vitest";
import { app } from "../../src/app.ts";
import { routeRequests } from "../requests.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { endMembership, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { withoutRequestDetails } from "../support/problems.ts";
import { postDoctor } from "../support/resources.ts";
import {
  type RouteRequest,
  type RouteSubject,
  routeMethod,
  sendRouteRequest,
} from "../support/route-requests.ts";
import { callerKinds, permissionTable } from "./table.ts";

/**
 * Makes an account that of the doctor in the latest assignment of `owner`, and assigns all patients of `owner` to
 * this doctor.
 */
async function makeDoctorOf(owner: TestAccount, account: TestAccount): Promise<void> {
  const [latest] = await asOwner`
    SELECT doctor_id AS id FROM mappings WHERE owner_id = ${owner.id} ORDER BY id DESC LIMIT 1`;
  const doctor = latest ?? (await postDoctor(owner));
  await asOwner`UPDATE users SET doctor_id = ${doctor.id} WHERE id = ${account.id}`;
  await asOwner`
    INSERT INTO mappings (patient_id, owner_id, doctor_id)
    SELECT id, owner_id, ${doctor.id}::int FROM patients WHERE ${owner.id} IN (owner_id, deleted_from)
    ON CONFLICT DO NOTHING`;
}

async function createDoctorsAccount(owner: TestAccount): Promise<TestAccount> {
  const account = await newAccount(owner.api);
  await makeDoctorOf(owner, account);
  return account;
}

/** An account that was an admin until the API made it a clinician; its token is older. */
async function createDemotedAdmin({ api }: TestAccount): Promise<TestAccount> {
  const [demoted, admin] = [await newAccount(api, "admin"), await newAccount(api, "admin")];
  await admin.patch(`/api/accounts/${demoted.id}/`, { role: "clinician" });
  return demoted;
}

/** Disables an account until the end of the test. */
async function disable(owner: TestAccount): Promise<TestAccount> {
  await asOwner`UPDATE users SET active = false WHERE id = ${owner.id}`;
  onTestFinished(async () => {
    await asOwner`UPDATE users SET active = true WHERE id = ${owner.id}`;
  });
  return owner;
}

/** A member of the clinic in which `owner` works. */
const createMember = (role: Parameters<typeof newMember>[2]) => (owner: TestAccount) =>
  newMember(owner.api, owner.clinic, role);

/** A member of the clinic until a moment ago; its token is older. */
async function createFormerMember(owner: TestAccount): Promise<TestAccount> {
  const member = await newMember(owner.api, owner.clinic, "clinician");
  await endMembership(owner.clinic, member);
  return member;
}

type CallerKind = (typeof callerKinds)[number];

/** The callers for whom the record belongs to a shared clinic, of which `owner` is a manager. */
const inSharedClinic: CallerKind[] = [
  "reader",
  "clerk",
  "clinician",
  "manager",
  "member of another clinic",
  "membership just ended",
];
const createOwner = async (callerKind: CallerKind) =>
  inSharedClinic.includes(callerKind)
    ? newMember(connectApi(), await newClinic(), "manager")
    : newAccount(connectApi());

const createCaller: Record<CallerKind, (owner: TestAccount) => Promise<TestAccount>> = {
  nobody: async (owner) => ({ ...owner, ...owner.api, token: "" }),
  owner: async (owner) => owner,
  "another account": ({ api }) => newAccount(api),
  "the doctor's account": createDoctorsAccount,
  admin: ({ api }) => newAccount(api, "admin"),
  auditor: ({ api }) => newAccount(api, "auditor"),
  disabled: disable,
  "demoted a moment ago": createDemotedAdmin,
  reader: createMember("reader"),
  clerk: createMember("clerk"),
  clinician: createMember("clinician"),
  manager: createMember("manager"),
  "member of another clinic": async ({ api }) => newMember(api, await newClinic(), "manager"),
  "membership just ended": createFormerMember,
};

/**
 * A subject for a route's request. Only admins invite and create identifier systems, so these belong to another account
 * than `owner`.
 */
async function createSubject({ route, subject }: RouteRequest, owner: TestAccount): Promise<RouteSubject> {
  const creator = /api\/(invitations|identifier-systems)/.test(route)
    ? await newAccount(owner.api, "admin")
    : owner;
  return (await subject?.(creator)) ?? {};
}

interface Scene {
  account: TestAccount;
  about: RouteSubject;
}

/** Creates the accounts and the subject of a request that changes something. */
async function createScene(request: RouteRequest, callerKind: CallerKind): Promise<Scene> {
  const owner = await createOwner(callerKind);
  const about = await createSubject(request, owner);
  return { account: await createCaller[callerKind](owner), about };
}

// All requests that are refused or only read share these accounts, and those of one route its subject.
const owners = { personal: await createOwner("owner"), shared: await createOwner("manager") };
const sharedCallers = new Map<CallerKind, TestAccount>();
const sharedSubjects = new Map<string, RouteSubject>();

async function sharedScene(request: RouteRequest, callerKind: CallerKind): Promise<Scene> {
  const ownerKind = inSharedClinic.includes(callerKind) ? "shared" : "personal";
  const owner = owners[ownerKind];
  const key = `${ownerKind} ${request.route}`;
  const about = sharedSubjects.get(key) ?? (await createSubject(request, owner));
  sharedSubjects.set(key, about);
  if (callerKind === "disabled") {
    // A calendar feed ends for good with that: the next caller gets a new subject.
    sharedSubjects.delete(key);
    return { account: await disable(owner), about };
  }
  const account = sharedCallers.get(callerKind) ?? (await createCaller[callerKind](owner));
  sharedCallers.set(callerKind, account);
  if (callerKind === "the doctor's account") await makeDoctorOf(owner, account);
  return { account, about };
}

test("every route has a row, and every row a route", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const patterns = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(permissionTable).sort()).toEqual([...patterns].sort());
});

const cells = routeRequests.flatMap((request) =>
  callerKinds.map((callerKind, index) => ({
    route: request.route,
    request,
    callerKind,
    expected: permissionTable[request.route]?.[index] ?? 0,
  })),
);

test.each(cells)("$route returns $expected to $callerKind", async ({ request, callerKind, expected }) => {
  const changes = expected < 400 && routeMethod(request) !== "GET";
  const { account, about } = await (changes ? createScene : sharedScene)(request, callerKind);
  const answer = await sendRouteRequest(account, request, about);
  expect(answer.status).toBe(expected);
  if (answer.status < 400 || !request.route.includes(":id")) return;
  // A caller who may not see a record learns nothing of it: the response is the same as for an unknown id.
  const canSee =
    callerKind === "the doctor's account" ||
    ["reader", "clerk"].includes(callerKind) ||
    /\/(doctors|clinics|absences)\//.test(request.route);
  if (answer.status === 403 && canSee && !request.as) return;
  if (answer.status === 403 && request.route.includes("/identifier-systems/")) return; // everybody sees them
  const unknown = typeof about.id === "string" ? crypto.randomUUID() : 2_147_483_647;
  expect(withoutRequestDetails(await sendRouteRequest(account, request, { ...about, id: unknown }))).toEqual(
    withoutRequestDetails(answer),
  );
});
