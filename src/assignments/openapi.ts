import { assignedAt, byId, conditions, gender, pageWords, specialization } from "../../openapi/records.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AssignmentsQuery, NewAssignment } from "./requests.ts";
import {
  Assignment,
  DoctorSummary,
  DoctorsOfPatient,
  ListedAssignment,
  PatientSummary,
} from "./responses.ts";

const names = { firstname: "The first name.", lastname: "The last name." };
const id = "The assignment's id.";
const patient = {
  id: 7,
  firstname: "Grace",
  lastname: "Hopper",
  age: 85,
  gender: "F",
  created_by: 12,
} as const;
const doctor = {
  id: 3,
  firstname: "Gregory",
  lastname: "House",
  specialization: "NEUR",
  max_appointments_per_day: 8,
  gender: "M",
  active: true,
} as const;
const assigned_at = "2026-09-06T10:02:41.318Z";
const ofAssignment = { id: { description: id, example: 41 } };
const end = {
  answers: [{ status: 204, description: "The assignment has ended." }],
  problems: {
    403: {
      when: "It is one of the doctor whose own account yours is, of a patient that is not yours.",
      detail: "Only the patient's owner or an admin may end this assignment.",
    },
    404: {
      when: "There is no such assignment of one of your patients.",
      detail: "There is no such assignment.",
    },
  },
  parameters: ofAssignment,
} as const;

/** Which doctor looks after which patient. */
export const assignmentsOpenApi: OpenApiGroup = {
  tag: {
    name: "Assignments",
    description:
      "Which doctor looks after which patient: of your patients and, when yours is a doctor's own account, those of that doctor. Mind the ids: `GET /api/mappings/{id}/` takes a patient's, `DELETE` an assignment's.",
  },
  parameters: [
    byId,
    ...conditions,
    describeParameters(AssignmentsQuery, {
      ...pageWords,
      sort: {
        ...pageWords.sort,
        description: `${pageWords.sort.description} \`created_at\` is an assignment's \`assigned_at\`.`,
      },
      patient: { description: "Only assignments of this patient, by its id." },
      doctor: {
        description:
          "Only assignments of this doctor, by its id; an admin gets those of everybody's patients.",
      },
    }),
  ],
  schemas: {
    NewAssignment: describeSchema(NewAssignment, {
      description: "A doctor for a patient.",
      fields: { patient: "The id of one of your patients.", doctor: "The id of a doctor." },
      example: { patient: 7, doctor: 3 },
    }),
    Assignment: describeSchema(Assignment, {
      description: "An assignment that has just been made.",
      fields: { id, patient: "The patient's id.", doctor: "The doctor's id.", assigned_at: assignedAt },
      example: { id: 41, patient: 7, doctor: 3, assigned_at },
    }),
    PatientSummary: describeSchema(PatientSummary, {
      description: "A patient, in short.",
      fields: {
        id: "The patient's id.",
        ...names,
        age: "The age in whole years.",
        gender,
        created_by: "The id of the account that created it.",
      },
      example: patient,
    }),
    DoctorSummary: describeSchema(DoctorSummary, {
      description: "A doctor, in short.",
      fields: {
        id: "The doctor's id.",
        ...names,
        specialization,
        max_appointments_per_day: "How many appointments the doctor takes in a day at most.",
        gender,
        active: "Whether the doctor takes new patients.",
      },
      example: doctor,
    }),
    ListedAssignment: describeSchema(ListedAssignment, {
      description: "An assignment, with its patient and its doctor.",
      fields: {
        id,
        patient: "The patient, in short.",
        doctor: "The doctor, in short.",
        assigned_at: assignedAt,
      },
      example: { id: 41, patient, doctor, assigned_at },
    }),
    DoctorsOfPatient: describeSchema(DoctorsOfPatient, {
      description: "A patient's doctors.",
      fields: {
        patient_id: "The patient's id.",
        patient: "The patient's first and last name.",
        doctors: "The doctors who are assigned, in order of their ids.",
      },
      example: { patient_id: 7, patient: "Grace Hopper", doctors: [doctor] },
    }),
  },
  operations: {
    "GET /api/mappings": {
      operationId: "listAssignments",
      summary: "List assignments",
      description:
        "The assignments of your patients, page by page, each with its patient and its doctor; those too of the doctor whose own account yours is.",
      answers: [{ status: 200, description: "A page of assignments.", schema: ListedAssignment, list: true }],
    },
    "POST /api/mappings": {
      operationId: "createAssignment",
      summary: "Assign a doctor to a patient",
      description: "Assigns any doctor to one of your patients.",
      answers: [
        {
          status: 201,
          description: "The assignment that was made.",
          schema: Assignment,
          headers: ["Idempotency-Replayed"],
        },
      ],
      problems: {
        400: {
          when: "The body is not valid, or there is no such doctor, or no such patient of yours: `errors` names the field.",
        },
        409: {
          when: "This doctor is assigned to this patient already.",
          detail: "This doctor is already assigned to this patient.",
        },
      },
    },
    "GET /api/mappings/:id": {
      operationId: "listDoctorsOfPatient",
      summary: "List the doctors of a patient",
      description:
        "The doctors who are assigned to one of the patients that you may read, by the **patient's** id.",
      answers: [{ status: 200, description: "The patient's doctors.", schema: DoctorsOfPatient }],
      problems: { 404: { when: "You may read no such patient.", detail: "There is no such patient." } },
      parameters: { id: { description: "The patient's id.", example: 7 } },
    },
    "DELETE /api/mappings/:id": {
      operationId: "deleteAssignment",
      summary: "End an assignment",
      description: "Ends an assignment, by the **assignment's** id. Patient and doctor stay.",
      ...end,
    },
    "DELETE /api/mappings/:id/delete": {
      operationId: "deleteAssignmentByOldPath",
      summary: "End an assignment, by its older path",
      description: "The same as `DELETE /api/mappings/{id}/`, for clients that know only this path.",
      deprecated: true,
      ...end,
    },
  },
};
