import * as z from "zod/mini";
import { Assignment, DoctorsOfPatient, ListedAssignment } from "../../src/assignments/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const List = z.tuple([ListedAssignment]);
const subject = async (account: TestAccount) => ({ id: (await assignDoctor(account)).id });
const subjectPatient = async (account: TestAccount) => ({ id: (await assignDoctor(account)).patient });
const access = { toOthers: 404 };

const creation = {
  recorded: "assign",
  subject: async (account: TestAccount) => ({
    body: { patient: (await postPatient(account)).id, doctor: (await postDoctor(account)).id },
  }),
  access: { toOthers: 400 },
  invalid: { patient: "1" },
};

export const assignmentRequests: RouteRequest[] = [
  {
    route: "GET /api/mappings",
    status: 200,
    answer: List,
    recorded: "list",
    subject,
    access: { toOthers: 200 },
  },
  { route: "POST /api/mappings", status: 201, answer: Assignment, ...creation },
  {
    route: "GET /api/mappings/:id",
    status: 200,
    answer: DoctorsOfPatient,
    recorded: "read",
    subject: subjectPatient,
    access,
  },
  {
    route: "PATCH /api/mappings/:id",
    status: 200,
    answer: Assignment,
    recorded: "update_assignment",
    subject: async (account) => ({ ...(await subject(account)), body: { role: "covering", primary: true } }),
    access,
    invalid: { role: "nurse" },
  },
  { route: "DELETE /api/mappings/:id", status: 204, recorded: "unassign", subject, access },
  { route: "DELETE /api/mappings/:id/delete", status: 204, recorded: "unassign", subject, access },
];
