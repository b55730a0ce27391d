import * as z from "zod/mini";
import { Assignment, DoctorsOfPatient, ListedAssignment } from "../../src/mappings/contract.ts";
import type { Account } from "../support/accounts.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const assignment = async (account: Account) => ({ id: (await assign(account)).id });
const hidden = { toOthers: 404 };

export const mappingRequests: RouteRequest[] = [
  {
    route: "GET /api/mappings",
    status: 200,
    answer: z.tuple([ListedAssignment]),
    subject: assignment,
    access: { toOthers: 200 },
  },
  {
    route: "POST /api/mappings",
    status: 201,
    answer: Assignment,
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
    answer: DoctorsOfPatient,
    subject: async (account) => ({ id: (await assign(account)).patient }),
    access: hidden,
  },
  { route: "DELETE /api/mappings/:id", status: 204, subject: assignment, access: hidden },
  { route: "DELETE /api/mappings/:id/delete", status: 204, subject: assignment, access: hidden },
];
