import * as z from "zod/mini";
import { Clinic, Member } from "../../src/clinics/responses.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { addMember, newClinic } from "../support/clinics.ts";
import { postResource } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

/** Creates a shared clinic with a manager of its own. @returns the body of the answer */
export const postClinic = async (admin: TestAccount) =>
  postResource(admin, "/api/clinics/", { name: "North", manager: (await newAccount(admin.api)).id });

/**
 * A shared clinic that the account manages, with another manager: the last one could not be disabled. It is the one in which
 * the account works, unless that is its personal one.
 */
async function managedClinic(account: TestAccount): Promise<{ id: number }> {
  const id = account.clinic === account.id ? await newClinic() : account.clinic;
  await addMember(id, await newAccount(account.api), "manager");
  await addMember(id, account, "manager");
  return { id };
}

/** One with another member. */
async function withMember(manager: TestAccount): Promise<{ id: number; account: number }> {
  const clinic = await managedClinic(manager);
  const { id: account } = await newAccount(manager.api);
  await addMember(clinic.id, { id: account }, "clerk");
  return { ...clinic, account };
}

const hidden = { toOthers: 404 } as const;
const member = "/api/clinics/:id/members/:account";

export const clinicRequests: RouteRequest[] = [
  {
    route: "GET /api/clinics",
    status: 200,
    answer: z.array(Clinic).check(z.minLength(1)),
    recorded: "list_clinics",
    access: { toOthers: 200 },
  },
  {
    route: "POST /api/clinics",
    status: 201,
    answer: Clinic,
    recorded: "create_clinic",
    as: "admin",
    access: { toOthers: 403 },
    subject: async () => ({ body: { name: "North", time_zone: "Europe/Berlin" } }),
    invalid: { time_zone: "UTC+3" },
  },
  {
    route: "GET /api/clinics/:id",
    status: 200,
    answer: Clinic,
    recorded: "read_clinic",
    access: hidden,
    subject: managedClinic,
  },
  {
    route: "PATCH /api/clinics/:id",
    status: 200,
    answer: Clinic,
    recorded: "update_clinic",
    access: hidden,
    subject: async (manager) => ({ ...(await managedClinic(manager)), body: { name: "South" } }),
    invalid: { time_zone: "+03:00", active: "yes" },
  },
  {
    route: "GET /api/clinics/:id/members",
    status: 200,
    answer: z.array(Member).check(z.minLength(1)),
    recorded: "list_members",
    access: hidden,
    subject: managedClinic,
  },
  {
    route: "POST /api/clinics/:id/members",
    status: 201,
    answer: Member,
    recorded: "add_member",
    access: hidden,
    subject: async (manager) => ({
      ...(await managedClinic(manager)),
      body: { account: (await newAccount(manager.api)).id, role: "clerk" },
    }),
    invalid: { role: "admin" },
  },
  {
    route: `PATCH ${member}`,
    status: 200,
    answer: Member,
    recorded: "update_member",
    access: hidden,
    subject: async (manager) => ({ ...(await withMember(manager)), body: { role: "clinician" } }),
    invalid: { role: "admin" },
  },
  {
    route: `DELETE ${member}`,
    status: 204,
    recorded: "end_member",
    access: hidden,
    subject: withMember,
  },
  {
    route: "DELETE /api/clinics/:id",
    status: 204,
    recorded: "delete_clinic",
    access: hidden,
    subject: managedClinic,
  },
];
