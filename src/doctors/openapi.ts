import { doctor, house } from "../../openapi/people.ts";
import {
  byId,
  conditions,
  gender,
  notModified,
  pageWords,
  search,
  setByApi,
  specialization,
} from "../../openapi/records.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { DoctorChanges, DoctorsQuery, NewDoctor } from "./requests.ts";
import { Doctor } from "./responses.ts";

const fields = {
  firstname: "The first name, 1 to 64 characters, without zero-width or bidirectional control characters.",
  lastname: "The last name, 1 to 64 characters, without zero-width or bidirectional control characters.",
  email: "The email address; among all doctors there is none like it, whatever the case.",
  gender,
  specialization,
  max_appointments_per_day: "How many appointments the doctor takes in a day at most, 0 to 1000.",
  active:
    "Whether the doctor takes new patients: `false` for one who has retired, who keeps those that there are.",
};
const taken = {
  when: "There is a doctor with this email already, or another request was changing this one: then try again.",
  detail: "A doctor with this email already exists.",
};
const notThere = { when: "There is no such doctor.", detail: "There is no such doctor." };
const notYours = { when: "Only the account that created this doctor or an admin may change or delete it." };
const changed = { ...doctor, max_appointments_per_day: 6, updated_at: "2026-12-09T08:30:00.417Z" };
const change = {
  answers: [
    {
      status: 200,
      description: "The doctor as it is now.",
      schema: Doctor,
      example: changed,
      headers: ["ETag"],
    },
  ],
  problems: { 403: notYours, 404: notThere, 409: taken },
} as const;

/** Doctors: everybody's directory, changed by who made an entry. */
export const doctorsOpenApi: OpenApiGroup = {
  tag: {
    name: "Doctors",
    description:
      "The hospital's directory: every account sees every doctor. The account that created one changes it, and so does an admin.",
  },
  parameters: [
    byId,
    ...conditions,
    describeParameters(DoctorsQuery, {
      ...pageWords,
      search,
      specialization: {
        description: `Only doctors of this specialization: ${specialization}`,
      },
      active: { description: "Only doctors who take new patients, or with `false` only those who do not." },
      patient: {
        description: "Only doctors who are assigned to this patient of yours, by its id.",
      },
    }),
  ],
  schemas: {
    NewDoctor: describeSchema(NewDoctor, { description: "A new doctor.", fields, example: house }),
    DoctorChanges: describeSchema(DoctorChanges, {
      description: "What changes of a doctor; what is left out stays as it is.",
      fields,
      example: { max_appointments_per_day: 6 },
    }),
    Doctor: describeSchema(Doctor, {
      description: "A doctor.",
      fields: { ...fields, ...setByApi, created_by: "The id of the account that may change it." },
      example: doctor,
    }),
  },
  operations: {
    "GET /api/doctors": {
      operationId: "listDoctors",
      summary: "List doctors",
      description: "All doctors, page by page.",
      answers: [{ status: 200, description: "A page of doctors.", schema: Doctor, list: true }],
    },
    "POST /api/doctors": {
      operationId: "createDoctor",
      summary: "Create a doctor",
      description: "Enters a doctor into the directory.",
      answers: [
        {
          status: 201,
          description: "The doctor that was made.",
          schema: Doctor,
          headers: ["Location", "ETag", "Idempotency-Replayed"],
        },
      ],
      problems: { 409: taken },
    },
    "GET /api/doctors/:id": {
      operationId: "getDoctor",
      summary: "Get a doctor",
      description: "One of the doctors.",
      answers: [{ status: 200, description: "The doctor.", schema: Doctor, headers: ["ETag"] }, notModified],
      problems: { 404: notThere },
    },
    "PUT /api/doctors/:id": {
      operationId: "replaceDoctor",
      summary: "Change a doctor, or send it back whole",
      description:
        "Changes the fields that are sent, as PATCH does: get a doctor, change a field, and send the whole of it back. What the API sets itself is ignored.",
      ...change,
    },
    "PATCH /api/doctors/:id": {
      operationId: "updateDoctor",
      summary: "Change a doctor",
      description: "Changes the fields that are sent, and no others.",
      ...change,
    },
    "DELETE /api/doctors/:id": {
      operationId: "deleteDoctor",
      summary: "Delete a doctor",
      description:
        "Deletes a doctor who has no patients. One who has had some is better retired: set `active` to `false`.",
      answers: [{ status: 204, description: "The doctor is gone." }],
      problems: {
        403: notYours,
        404: notThere,
        409: {
          when: "The doctor still has patients; `detail` says how many.",
          detail: "This doctor still has 2 patients; end the assignments first.",
        },
      },
    },
  },
};
