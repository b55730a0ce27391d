import * as z from "zod/mini";
import {
  EmergencyAccess,
  ErasedPatient,
  ImportResult,
  Patient,
  PatientAccess,
  PatientChange,
  PossibleDuplicate,
  RestoredPatient,
  TransferredPatient,
  TransferSummary,
  UnmergedPatient,
} from "../../src/patients/responses.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { postMerge, REASON } from "../support/ownership.ts";
import { newPatient, postPatient } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const subject = async (account: TestAccount) => ({ id: (await postPatient(account)).id });
const [access, invalid] = [{ toOthers: 404 }, { age: 151 }];

const creation = {
  recorded: "create",
  subject: async () => ({ body: newPatient() }),
  access: { toOthers: 201 },
  invalid,
};
const change = {
  recorded: "update",
  subject: async (account: TestAccount) => ({
    ...(await subject(account)),
    body: { age: 37, email: newPatient().email },
  }),
  access,
  invalid,
};

const exportRequest = {
  recorded: "export",
  type: "application/x-ndjson",
  answer: z.string(),
  subject,
  access: { toOthers: 200 },
};
const importRequest = {
  recorded: "import",
  takesFile: true as const,
  subject: async () => ({ file: JSON.stringify(newPatient()) }),
  answer: ImportResult,
  access: { toOthers: 201 },
};

const deletedSubject = async (account: TestAccount) => {
  const { id } = await postPatient(account);
  await account.delete(`/api/patients/${id}/`);
  return { id };
};
/** The admin sends it about a patient of its own. */
const byAdmin = { as: "admin" as const, access: { toOthers: 403 } };
const transfer = {
  recorded: "transfer",
  ...byAdmin,
  subject: async (account: TestAccount) => ({
    ...(await subject(account)),
    body: { to: (await newAccount()).id, reason: REASON },
  }),
  invalid: { to: 0, reason: "too short" },
};
const transferAll = {
  ...transfer,
  subject: async (account: TestAccount) => {
    await postPatient(account);
    return { body: { from: account.id, to: (await newAccount()).id, reason: REASON } };
  },
};
const emergencyAccess = {
  recorded: "break_glass",
  ...byAdmin,
  subject: async (account: TestAccount) => ({
    ...(await subject(account)),
    body: { reason: "Nobody else is here." },
  }),
  invalid: { reason: "too short" },
};
const merge = {
  recorded: "merge",
  subject: async (account: TestAccount) => ({
    ...(await subject(account)),
    body: { into: (await postPatient(account)).id, take: ["email"] },
  }),
  access,
  invalid: { into: 0 },
};
const unmerge = {
  recorded: "unmerge",
  subject: async (account: TestAccount) => {
    const patient = await postPatient(account);
    await postMerge(account, patient, await postPatient(account));
    return { id: patient.id };
  },
  access,
};
const erasure = {
  recorded: "erase",
  ...byAdmin,
  subject: async (account: TestAccount) => ({
    ...(await deletedSubject(account)),
    body: { reason: "Request 2026-117 to erase all data." },
  }),
  invalid: { reason: "too short" },
};
const auditList = { subject, access };
const restore = { recorded: "restore", subject: deletedSubject, access };

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
  { route: "GET /api/patients/export", status: 200, ...exportRequest },
  { route: "POST /api/patients/import", status: 201, ...importRequest },
  { route: "GET /api/patients/:id", status: 200, recorded: "read", answer: Patient, subject, access },
  { route: "PUT /api/patients/:id", status: 200, answer: Patient, ...change },
  { route: "PATCH /api/patients/:id", status: 200, answer: Patient, ...change },
  { route: "DELETE /api/patients/:id", status: 204, recorded: "delete", subject, access },
  {
    route: "GET /api/patients/:id/duplicates",
    status: 200,
    recorded: "duplicates",
    answer: z.tuple([PossibleDuplicate]),
    subject: async (account) => {
      await postPatient(account);
      return subject(account);
    },
    access,
  },
  {
    route: "GET /api/patients/:id/history",
    status: 200,
    answer: z.tuple([PatientChange]),
    recorded: "history",
    ...auditList,
  },
  {
    route: "GET /api/patients/:id/accesses",
    status: 200,
    answer: z.tuple([PatientAccess]),
    recorded: "accesses",
    ...auditList,
  },
  { route: "POST /api/patients/:id/restore", status: 200, answer: RestoredPatient, ...restore },
  { route: "POST /api/patients/:id/transfer", status: 200, answer: TransferredPatient, ...transfer },
  { route: "POST /api/patients/:id/erase", status: 200, answer: ErasedPatient, ...erasure },
  { route: "POST /api/patients/:id/access", status: 201, answer: EmergencyAccess, ...emergencyAccess },
  { route: "POST /api/patients/:id/merge", status: 200, answer: Patient, ...merge },
  { route: "POST /api/patients/:id/unmerge", status: 200, answer: UnmergedPatient, ...unmerge },
  { route: "POST /api/patients/transfer", status: 200, answer: TransferSummary, ...transferAll },
];
