import * as z from "zod/mini";
import { Doctor, Reassignment } from "../../src/doctors/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { assignDoctor, newDoctor, postDoctor } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const Directory = z.array(Doctor).check(z.minLength(1));
const subject = async (account: TestAccount) => ({ id: (await postDoctor(account)).id });
const [readable, forbidden] = [{ toOthers: 200 }, { toOthers: 403 }];
const invalid = { specialization: "SURG" };

const creation = {
  recorded: "create",
  subject: async () => ({ body: newDoctor() }),
  access: { toOthers: 201 },
  invalid,
};
const change = {
  recorded: "update",
  subject: async (account: TestAccount) => ({
    ...(await subject(account)),
    body: { lastname: "Cuddy", email: newDoctor().email },
  }),
  access: forbidden,
  invalid,
};

export const doctorRequests: RouteRequest[] = [
  { route: "GET /api/doctors", status: 200, answer: Directory, subject, access: readable },
  { route: "POST /api/doctors", status: 201, answer: Doctor, ...creation },
  { route: "GET /api/doctors/:id", status: 200, answer: Doctor, subject, access: readable },
  { route: "PUT /api/doctors/:id", status: 200, answer: Doctor, ...change },
  { route: "PATCH /api/doctors/:id", status: 200, answer: Doctor, ...change },
  { route: "DELETE /api/doctors/:id", status: 204, recorded: "delete", subject, access: forbidden },
  {
    route: "POST /api/doctors/:id/reassign",
    status: 200,
    answer: Reassignment,
    recorded: "assign",
    subject: async (account) => {
      const { doctor } = await assignDoctor(account);
      const { id: to } = await postDoctor(account);
      return { id: doctor, body: { to, reason: "The doctor has left." } };
    },
    invalid: { to: 0 },
    access: { toOthers: 200 },
  },
];
