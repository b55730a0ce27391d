import * as z from "zod/mini";
import { Doctor } from "../../src/doctors/contract.ts";
import type { Account } from "../support/accounts.ts";
import { createDoctor, newDoctor } from "../support/records.ts";
import type { RouteRequest, Subject } from "../support/route-requests.ts";

const doctor = async (account: Account) => ({ id: (await createDoctor(account)).id });
const change = async (account: Account): Promise<Subject> => ({
  ...(await doctor(account)),
  body: { lastname: "Cuddy" },
});
const readable = { toOthers: 200 };
const forbidden = { toOthers: 403 };
const invalid = { specialization: "SURG" };

export const doctorRequests: RouteRequest[] = [
  {
    route: "GET /api/doctors",
    status: 200,
    answer: z.array(Doctor).check(z.minLength(1)),
    subject: doctor,
    access: readable,
  },
  {
    route: "POST /api/doctors",
    status: 201,
    answer: Doctor,
    subject: async () => ({ body: newDoctor() }),
    access: { toOthers: 201 },
    invalid,
  },
  { route: "GET /api/doctors/:id", status: 200, answer: Doctor, subject: doctor, access: readable },
  { route: "PUT /api/doctors/:id", status: 200, answer: Doctor, subject: change, access: forbidden, invalid },
  {
    route: "PATCH /api/doctors/:id",
    status: 200,
    answer: Doctor,
    subject: change,
    access: forbidden,
    invalid,
  },
  { route: "DELETE /api/doctors/:id", status: 204, subject: doctor, access: forbidden },
];
