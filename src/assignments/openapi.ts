import {
  clinicRoleRequired,
  genderText,
  idPathParameters,
  mergedProblem,
  pageParameterTexts,
  requestHeaders,
  specializationText,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AssignmentsQuery, NewAssignment } from "./requests.ts";
import {
  Assignment,
  DoctorSummary,
  DoctorsOfPatient,
  ListedAssignment,
  PatientSummary,
} from "./responses.ts";

const nameTexts = { firstname: "The first name.", lastname: "The last name." };
const id = "The assignment's id.";
const assignedAt = "When the doctor was assigned: a UTC timestamp in milliseconds.";
const examplePatient = {
  id: 7,
  firstname: "Grace",
  lastname: "Hopper",
  age: 85,
  gender: "F",
  created_by: 12,
} as const;
const exampleDoctor = {
  id: 3,
  firstname: "Gregory",
  lastname: "House",
  specialization: "NEUR",
  max_appointments_per_day: 8,
  gender: "M",
  active: true,
} as const;
const exampleTimestamp = "2026-09-06T10:02:41.318Z";
const deletion = {
  responses: [{ status: 204, description: "The assignment has ended." }],
  problems: {
    403: {
      description:
        "`not_patient_owner`: your account is the own account of the assigned doctor, and the patient is not yours. `clinic_role_required`: your role in the clinic does not allow it.",
      detail: "Only the patient's owner or an admin may end this assignment.",
      codes: ["not_patient_owner", "clinic_role_required"],
    },
    404: {
      description: "None of your patients has an assignment with this id.",
      detail: "There is no such assignment.",
    },
  },
} as const;
/** A path of OpenAPI has one name for its parameter, whatever the method. */
const sharedName = "patient_or_assignment_id";

export const assignmentsOpenApi: OpenApiGroup = {
  tag: {
    name: "Assignments",
    description:
      "Which doctor is assigned to which patient: the assignments of your patients and, if your account is a doctor's own account, those of that doctor. Mind the ids: `GET /api/mappings/{patient_or_assignment_id}/` takes the id of a patient, `DELETE` that of an assignment.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(AssignmentsQuery, {
      ...pageParameterTexts,
      sort: {
        ...pageParameterTexts.sort,
        description: `${pageParameterTexts.sort.description} \`created_at\` sorts by \`assigned_at\`.`,
      },
      patient: { description: "Only assignments of the patient with this id." },
      doctor: {
        description:
          "Only assignments of the doctor with this id. An admin gets those of the patients of all accounts.",
      },
    }),
  ],
  schemas: {
    NewAssignment: describeSchema(NewAssignment, {
      description: "A doctor to assign to a patient.",
      answer: Assignment,
      fields: { patient: "The id of one of your patients.", doctor: "The id of a doctor." },
      example: { patient: 7, doctor: 3 },
    }),
    Assignment: describeSchema(Assignment, {
      description: "The assignment that was created.",
      fields: { id, patient: "The patient's id.", doctor: "The doctor's id.", assigned_at: assignedAt },
      example: { id: 41, patient: 7, doctor: 3, assigned_at: exampleTimestamp },
    }),
    PatientSummary: describeSchema(PatientSummary, {
      description: "Some fields of a patient.",
      fields: {
        id: "The patient's id.",
        ...nameTexts,
        age: "The age in whole years.",
        gender: genderText,
        created_by: "The id of the account that created it.",
      },
      example: examplePatient,
    }),
    DoctorSummary: describeSchema(DoctorSummary, {
      description: "Some fields of a doctor.",
      fields: {
        id: "The doctor's id.",
        ...nameTexts,
        specialization: specializationText,
        max_appointments_per_day: "The maximum number of appointments per day.",
        gender: genderText,
        active: "Whether the doctor takes new patients.",
      },
      example: exampleDoctor,
    }),
    ListedAssignment: describeSchema(ListedAssignment, {
      description: "An assignment, with its patient and its doctor.",
      fields: {
        id,
        patient: "The patient.",
        doctor: "The doctor.",
        assigned_at: assignedAt,
      },
      example: { id: 41, patient: examplePatient, doctor: exampleDoctor, assigned_at: exampleTimestamp },
    }),
    DoctorsOfPatient: describeSchema(DoctorsOfPatient, {
      description: "A patient with the doctors assigned to it.",
      fields: {
        patient_id: "The patient's id.",
        patient: "The patient's first and last name.",
        doctors: "The assigned doctors, sorted by id.",
      },
      example: { patient_id: 7, patient: "Grace Hopper", doctors: [exampleDoctor] },
    }),
  },
  operations: {
    "GET /api/mappings": {
      operationId: "listAssignments",
      summary: "List assignments",
      description:
        "Returns a page of the assignments of your patients, each with its patient and its doctor. If your account is a doctor's own account, they include the assignments of that doctor.",
      responses: [
        { status: 200, description: "A page of assignments.", schema: ListedAssignment, list: true },
      ],
    },
    "POST /api/mappings": {
      operationId: "createAssignment",
      summary: "Assign a doctor to a patient",
      description: "Assigns a doctor who takes new patients to one of your patients.",
      responses: [
        {
          status: 201,
          description: "The assignment that was created.",
          schema: Assignment,
          headers: ["Idempotency-Replayed"],
        },
      ],
      problems: {
        400: {
          description:
            "The body is not valid, or the doctor does not exist or takes no new patients, or the patient is not one of yours: `errors` names the field.",
        },
        403: clinicRoleRequired,
        409: {
          description:
            "This doctor is already assigned to this patient; or you sent this idempotency key before, and cannot read the assignment that it created any more.",
          detail: "This doctor is already assigned to this patient.",
          codes: ["already_assigned", "replay_unreadable"],
        },
      },
    },
    "GET /api/mappings/:id": {
      operationId: "listDoctorsOfPatient",
      summary: "List the doctors of a patient",
      description: "Returns the doctors assigned to a patient that you can read, by the **patient's** id.",
      responses: [{ status: 200, description: "The patient's doctors.", schema: DoctorsOfPatient }],
      problems: {
        404: {
          description: "There is no patient with this id that you can read.",
          detail: "There is no such patient.",
        },
        410: mergedProblem,
      },
      parameters: { id: { name: sharedName, description: "The **patient's** id.", example: 7 } },
    },
    "DELETE /api/mappings/:id": {
      operationId: "deleteAssignment",
      summary: "End an assignment",
      description: "Ends an assignment, by the **assignment's** id. The patient and the doctor stay.",
      ...deletion,
      parameters: { id: { name: sharedName, description: "The **assignment's** id.", example: 41 } },
    },
    "DELETE /api/mappings/:id/delete": {
      operationId: "deleteAssignmentByOldPath",
      summary: "End an assignment (old path)",
      description:
        "Deprecated: the same as `DELETE /api/mappings/{patient_or_assignment_id}/`, for clients that only know this path. All its responses say so in the headers `Deprecation` and `Link`.",
      deprecated: true,
      ...deletion,
      parameters: { id: { name: "assignment_id", description: id, example: 41 } },
    },
  },
};
