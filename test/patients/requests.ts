import * as z from "zod/mini";
import { Patient } from "../../src/patients/contract.ts";
import type { Account } from "../support/accounts.ts";
import { createPatient, newPatient } from "../support/records.ts";
import type { RouteRequest, Subject } from "../support/route-requests.ts";

const patient = async (account: Account) => ({ id: (await createPatient(account)).id });
const change = async (account: Account): Promise<Subject> => ({
  ...(await patient(account)),
  body: { age: 37 },
});
const hidden = { toOthers: 404 };

export const patientRequests: RouteRequest[] = [
  {
    route: "GET /api/patients",
    status: 200,
    answer: z.tuple([Patient]),
    subject: patient,
    access: { toOthers: 200 },
  },
  {
    route: "POST /api/patients",
    status: 201,
    answer: Patient,
    subject: async () => ({ body: newPatient() }),
    access: { toOthers: 201 },
    invalid: { age: 121 },
  },
  { route: "GET /api/patients/:id", status: 200, answer: Patient, subject: patient, access: hidden },
  {
    route: "PUT /api/patients/:id",
    status: 200,
    answer: Patient,
    subject: change,
    access: hidden,
    invalid: { age: 121 },
  },
  {
    route: "PATCH /api/patients/:id",
    status: 200,
    answer: Patient,
    subject: change,
    access: hidden,
    invalid: { age: 121 },
  },
  { route: "DELETE /api/patients/:id", status: 204, subject: patient, access: hidden },
];
