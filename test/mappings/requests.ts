import type { Account } from "../support/accounts.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const assignment = async (account: Account) => ({ id: (await assign(account)).id });
const hidden = { toOthers: 404 };

export const mappingRequests: RouteRequest[] = [
  { route: "GET /api/mappings", status: 200, access: { toOthers: 200 } },
  {
    route: "POST /api/mappings",
    status: 201,
    subject: async (account) => ({
      body: { patient: (await createPatient(account)).id, doctor: (await createDoctor(account)).id },
    }),
    access: { toOthers: 400 },
    invalid: { patient: "1" },
  },
  // A patient's id here, an assignment's below.
  {
    route: "GET /api/mappings/:id",
    status: 200,
    subject: async (account) => ({ id: (await assign(account)).patient }),
    access: hidden,
  },
  { route: "DELETE /api/mappings/:id", status: 204, subject: assignment, access: hidden },
  { route: "DELETE /api/mappings/:id/delete", status: 204, subject: assignment, access: hidden },
];
