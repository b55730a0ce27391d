import { grace, patient } from "../../openapi/people.ts";
import { byId, conditions, gender, notModified, pageWords, search, setByApi } from "../../openapi/records.ts";
import { recordOfPatient, recordParameters, recordSchemas } from "../audit/openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { importedWords, importParameters, moving } from "./import-export-openapi.ts";
import { custody, custodySchemas, restoreParameters } from "./ownership/openapi.ts";
import { NewPatient, PatientChanges, PatientsQuery } from "./requests.ts";
import { Patient } from "./responses.ts";

const fields = {
  firstname: "The first name, 1 to 64 characters, without zero-width or bidirectional control characters.",
  lastname: "The last name, 1 to 64 characters, without zero-width or bidirectional control characters.",
  email: "The email address; among your own patients there is none like it, whatever the case.",
  age: "The age in whole years, 0 to 120.",
  gender,
};
const taken = {
  when: "You have a patient with this email already, or another request was changing this one: then try again.",
  detail: "You already have a patient with this email.",
};
const notThere = {
  when: "You may read no such patient. Another account's is answered like one that never was.",
  detail: "There is no such patient.",
};
const notYours = {
  when: "You may only read it: it is assigned to the doctor whose own account yours is, or you are an admin who has opened it.",
  detail: "Only the patient's owner may change or delete it.",
};
const changed = { ...patient, age: 86, updated_at: "2026-12-09T08:30:00.417Z" };
const change = {
  answers: [
    {
      status: 200,
      description: "The patient as it is now.",
      schema: Patient,
      example: changed,
      headers: ["ETag"],
    },
  ],
  problems: { 403: notYours, 404: notThere, 409: taken },
} as const;

/** Patients: each is its account's own, and read by its doctors. */
export const patientsOpenApi: OpenApiGroup = {
  tag: {
    name: "Patients",
    description:
      "The patients of your account, who alone changes them. The own accounts of the doctors who are assigned to them read them, and so does an admin who has said why; that is on record. Nobody else sees them.",
  },
  parameters: [
    byId,
    ...conditions,
    describeParameters(PatientsQuery, {
      ...pageWords,
      search,
      gender: { description: `Only patients of this gender: ${gender}` },
      min_age: { description: "Only patients of at least this age, in whole years." },
      max_age: { description: "Only patients of at most this age, in whole years." },
      doctor: { description: "Only patients to whom the doctor of this id is assigned." },
      deleted: { description: "With `true` your own deleted patients instead, which can be restored." },
    }),
    importParameters,
    restoreParameters,
    recordParameters,
  ],
  schemas: {
    NewPatient: describeSchema(NewPatient, { description: "A new patient.", fields, example: grace }),
    PatientChanges: describeSchema(PatientChanges, {
      description: "What changes of a patient; what is left out stays as it is.",
      fields,
      example: { age: 86 },
    }),
    Imported: importedWords,
    ...custodySchemas,
    ...recordSchemas,
    Patient: describeSchema(Patient, {
      description: "A patient.",
      fields: {
        ...fields,
        ...setByApi,
        created_by: "The id of the account that created it: its owner, until it is handed over.",
      },
      example: patient,
    }),
  },
  operations: {
    ...moving,
    ...custody,
    ...recordOfPatient,
    "GET /api/patients": {
      operationId: "listPatients",
      summary: "List your patients",
      description:
        "Your patients, page by page; those too that are assigned to the doctor whose own account yours is. The filters combine. A filter other than `doctor` in order of `id` has no index of its own: the patients are read in their order until the page is full.",
      answers: [{ status: 200, description: "A page of patients.", schema: Patient, list: true }],
    },
    "POST /api/patients": {
      operationId: "createPatient",
      summary: "Create a patient",
      description: "Creates a patient, which is your account's own.",
      answers: [
        {
          status: 201,
          description: "The patient that was made.",
          schema: Patient,
          headers: ["Location", "ETag", "Idempotency-Replayed"],
        },
      ],
      problems: { 409: taken },
    },
    "GET /api/patients/:id": {
      operationId: "getPatient",
      summary: "Get a patient",
      description: "One of your patients, or one that is assigned to the doctor whose own account yours is.",
      answers: [
        { status: 200, description: "The patient.", schema: Patient, headers: ["ETag"] },
        notModified,
      ],
      problems: { 404: notThere },
    },
    "PUT /api/patients/:id": {
      operationId: "replacePatient",
      summary: "Change a patient, or send it back whole",
      description:
        "Changes the fields that are sent, as PATCH does: get a patient, change a field, and send the whole of it back. What the API sets itself is ignored.",
      ...change,
    },
    "PATCH /api/patients/:id": {
      operationId: "updatePatient",
      summary: "Change a patient",
      description: "Changes the fields that are sent, and no others.",
      ...change,
    },
    "DELETE /api/patients/:id": {
      operationId: "deletePatient",
      summary: "Delete a patient",
      description:
        "Hides a patient, and its assignments with it; its email is free again. It can be restored until an operator purges it.",
      answers: [{ status: 204, description: "The patient is gone." }],
      problems: { 403: notYours, 404: notThere },
    },
  },
};
