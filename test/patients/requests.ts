import * as z from "zod/mini";
import { Imported, Patient } from "../../src/patients/contract.ts";
import type { Account } from "../support/accounts.ts";
import { createPatient, newPatient } from "../support/records.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const subject = async (account: Account) => ({ id: (await createPatient(account)).id });
const [access, invalid] = [{ toOthers: 404 }, { age: 121 }];

const creation = {
  recorded: "create",
  subject: async () => ({ body: newPatient() }),
  access: { toOthers: 201 },
  invalid,
};
const change = {
  recorded: "update",
  subject: async (account: Account) => ({
    ...(await subject(account)),
    body: { age: 37, email: newPatient().email },
  }),
  access,
  invalid,
};

const exportation = {
  recorded: "export",
  type: "application/x-ndjson",
  answer: z.string(),
  subject,
  access: { toOthers: 200 },
};
const importation = {
  recorded: "import",
  takesFile: true as const,
  subject: async () => ({ file: JSON.stringify(newPatient()) }),
  answer: Imported,
  access: { toOthers: 201 },
};

export const patientRequests: RouteRequest[] = [
  {
    route: "GET /api/patients",
    status: 200,
    answer: z.tuple([Patient]),
    recorded: "list",
    subject,
    access: { toOthers: 200 },
  },
  { route: "POST /api/patients", status: 201, answer: Patient, ...creation },
  { route: "GET /api/patients/export", status: 200, ...exportation },
  { route: "POST /api/patients/import", status: 201, ...importation },
  { route: "GET /api/patients/:id", status: 200, recorded: "read", answer: Patient, subject, access },
  { route: "PUT /api/patients/:id", status: 200, answer: Patient, ...change },
  { route: "PATCH /api/patients/:id", status: 200, answer: Patient, ...change },
  { route: "DELETE /api/patients/:id", status: 204, recorded: "delete", subject, access },
];
