import {
  Imported,
  ImportQuery,
  NewPatient,
  Patient,
  PatientChanges,
  PatientsQuery,
} from "../src/patients/contract.ts";
import { byId, conditions, gender, notModified, pageWords, search, setByApi } from "./records.ts";
import { type Group, named, parameters } from "./words.ts";

const fields = {
  firstname: "The first name, 1 to 64 characters.",
  lastname: "The last name, 1 to 64 characters.",
  email: "The email address; among your own patients there is none like it, whatever the case.",
  age: "The age in whole years, 0 to 120.",
  gender,
};
const grace = {
  firstname: "Grace",
  lastname: "Hopper",
  email: "grace@example.org",
  age: 85,
  gender: "F",
} as const;
const moment = "2026-09-06T09:45:06.922Z";
const taken = {
  when: "You have a patient with this email already, or another request was changing this one: then try again.",
  detail: "You already have a patient with this email.",
};
const notThere = {
  when: "You have no such patient. Another account's is answered like one that never was.",
  detail: "There is no such patient.",
};
const patient = {
  id: 7,
  ...grace,
  created_by: 12,
  created_at: moment,
  updated_at: moment,
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
  problems: { 404: notThere, 409: taken },
} as const;

const csvHead = "firstname,lastname,email,age,gender";
const csvLine = '"Grace","Hopper","grace@example.org",85,"F"';
const lines = { type: "string", description: "A patient a line, as JSON." };
const table = { type: "string", description: "A header and a patient a line, as RFC 4180 has it, in UTF-8." };

/** Many patients at once. */
const moving: Group["operations"] = {
  "GET /api/patients/export": {
    operationId: "exportPatients",
    summary: "Export your patients",
    description:
      "All your patients, streamed. One that is made or changed meanwhile may be in it or not. When the database fails on the way, the connection breaks: an answer that ends as it should is whole. In CSV a text that a spreadsheet would take for a formula has an apostrophe before it, which an import takes away again.",
    answers: [
      {
        status: 200,
        description: "The patients, in order of `id`.",
        content: {
          "application/x-ndjson": { schema: lines, example: `${JSON.stringify(patient)}\n` },
          "text/csv": {
            schema: table,
            example: `${Object.keys(patient).join()}\r\n7,${csvLine},12,${moment},${moment}\r\n`,
          },
        },
      },
    ],
    problems: {
      406: {
        when: "`Accept` takes neither of the two.",
        detail: "This comes as application/x-ndjson or text/csv.",
      },
    },
  },
  "POST /api/patients/import": {
    operationId: "importPatients",
    summary: "Import patients",
    description:
      "Makes patients of a file of up to 1,000 records and 1 MiB: all of them or none, or with `partial=true` those that are valid. The columns of CSV are named in its first line; those that the API sets itself may be there, and are ignored.",
    content: {
      "application/x-ndjson": { schema: lines, example: `${JSON.stringify(grace)}\n` },
      "text/csv": { schema: table, example: `${csvHead}\r\n${csvLine}\r\n` },
    },
    answers: [
      { status: 201, description: "All were made.", schema: Imported, headers: ["Idempotency-Replayed"] },
      {
        status: 200,
        description: "With `partial=true`: what became of each line.",
        schema: Imported,
        headers: ["Idempotency-Replayed"],
      },
    ],
    problems: {
      400: {
        when: "A line is not valid, or its email is taken, and nothing was made: `errors` names the line and the field, as `3.email`.",
      },
      409: {
        when: "Another request took one of the emails meanwhile, and nothing was made: try again.",
        detail: "You already have a patient with this email.",
      },
      413: {
        when: "The file has more than 1,000 records or 1 MiB.",
        detail: "The file has more than 1000 records.",
      },
      415: {
        when: "The body does not say that it is one of the two, in UTF-8.",
        detail: "The body must be application/x-ndjson or text/csv, in UTF-8.",
      },
    },
  },
};

/** Patients: each is its account's own. */
export const patients: Group = {
  tag: {
    name: "Patients",
    description: "The patients of your account. Nobody else sees them.",
  },
  parameters: [
    byId,
    ...conditions,
    parameters(PatientsQuery, {
      ...pageWords,
      search,
      gender: { description: `Only patients of this gender: ${gender}` },
      min_age: { description: "Only patients of at least this age, in whole years." },
      max_age: { description: "Only patients of at most this age, in whole years." },
      doctor: { description: "Only patients to whom the doctor of this id is assigned." },
    }),
    parameters(ImportQuery, {
      partial: {
        description: "With `true` the lines that are valid are taken, and the others are said to be refused.",
      },
    }),
  ],
  schemas: {
    NewPatient: named(NewPatient, { description: "A new patient.", fields, example: grace }),
    PatientChanges: named(PatientChanges, {
      description: "What changes of a patient; what is left out stays as it is.",
      fields,
      example: { age: 86 },
    }),
    Imported: named(Imported, {
      description: "What came of an import, by the lines of the file, which count from 1 as in an editor.",
      fields: {
        created: "The lines that became patients, and the ids of these.",
        refused: "The lines that did not, and what is wrong with each of their fields.",
      },
      example: {
        created: [{ line: 2, id: 7 }],
        refused: [{ line: 3, errors: { email: ["You already have a patient with this email."] } }],
      },
    }),
    Patient: named(Patient, {
      description: "A patient.",
      fields: { ...fields, ...setByApi, created_by: "The id of the account that it belongs to." },
      example: patient,
    }),
  },
  operations: {
    ...moving,
    "GET /api/patients": {
      operationId: "listPatients",
      summary: "List your patients",
      description:
        "Your patients, page by page. The filters combine. A filter other than `doctor` in order of `id` has no index of its own: your patients are read in their order until the page is full.",
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
      description: "One of your patients.",
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
      description: "Deletes a patient, and its assignments with it.",
      answers: [{ status: 204, description: "The patient is gone." }],
      problems: { 404: notThere },
    },
  },
};
