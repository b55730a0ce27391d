import {
  clinicRoleRequired,
  genderText,
  idPathParameters,
  mergedProblem,
  openAppointments,
  pageParameterTexts,
  requestHeaders,
  specializationText,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AssignmentChanges, AssignmentsQuery, NewAssignment } from "./requests.ts";
import {
  Assignment,
  DoctorSummary,
  DoctorsOfPatient,
  ListedAssignment,
  PatientSummary,
} from "./responses.ts";

const nameTexts = { firstname: "The first name.", lastname: "The last name." };
const id = "The assignment's id.";
const roleText =
  "What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor.";
const primaryText =
  "Whether the doctor is the patient's primary one. A patient has at most one: when another assignment becomes primary, this one is not any more.";
/** The fields that a current and an ended assignment have. */
const lifeTexts = {
  role: roleText,
  primary: primaryText,
  ended_at: "When it ended: a UTC timestamp in milliseconds. Null for a current one.",
  ended_by: "The id of the account that has ended it. Null for a current one.",
  version:
    "The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the assignment only if nobody else has.",
};
const exampleLife = {
  role: "attending",
  primary: true,
  ended_at: null,
  ended_by: null,
  version: 1,
} as const;
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
const exampleAssignment = {
  id: 41,
  patient: 7,
  doctor: 3,
  assigned_at: exampleTimestamp,
  ...exampleLife,
};
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
      description: "None of your patients has a current assignment with this id.",
      detail: "There is no such assignment.",
    },
    409: openAppointments("The patient has open appointments with the doctor. The assignment stays."),
  },
} as const;
/** A path of OpenAPI has one name for its parameter, whatever the method. */
const sharedName = "patient_or_assignment_id";

export const assignmentsOpenApi: OpenApiGroup = {
  tag: {
    name: "Assignments",
    description:
      "Which doctor is assigned to which patient: the assignments of your patients and, if your account is a doctor's own account, those of that doctor. Mind the ids: `GET /api/mappings/{patient_or_assignment_id}/` takes the id of a patient, `PATCH` and `DELETE` that of an assignment.",
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
      ended: {
        description:
          "`true`: only assignments that have ended. Otherwise only current ones. A doctor's own account gets ended ones of its own patients only.",
      },
    }),
  ],
  schemas: {
    NewAssignment: describeSchema(NewAssignment, {
      description: "A doctor to assign to a patient.",
      answer: Assignment,
      fields: {
        patient: "The id of one of your patients.",
        doctor: "The id of a doctor.",
        role: `${roleText} \`attending\` if it is left out.`,
        primary: `${primaryText} \`false\` if it is left out.`,
      },
      example: { patient: 7, doctor: 3, role: "attending", primary: true },
    }),
    AssignmentChanges: describeSchema(AssignmentChanges, {
      description: "Changes of an assignment. Fields that are left out stay as they are.",
      answer: Assignment,
      fields: { role: roleText, primary: primaryText },
      example: { role: "covering" },
    }),
    Assignment: describeSchema(Assignment, {
      description: "The assignment that was created or changed.",
      fields: {
        id,
        patient: "The patient's id.",
        doctor: "The doctor's id.",
        assigned_at: assignedAt,
        ...lifeTexts,
      },
      example: exampleAssignment,
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
        doctor: "The doctor. Null when the doctor was deleted, after the assignment had ended.",
        doctor_name:
          "Only of an ended assignment: the doctor's first and last name when it ended. It stays when the doctor is deleted.",
        assigned_at: assignedAt,
        ...lifeTexts,
      },
      example: {
        id: 41,
        patient: examplePatient,
        doctor: exampleDoctor,
        assigned_at: exampleTimestamp,
        ...exampleLife,
      },
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
        "Returns a page of the assignments of your patients, each with its patient and its doctor. If your account is a doctor's own account, they include the assignments of that doctor. With `ended=true` they are those that have ended.",
      responses: [
        { status: 200, description: "A page of assignments.", schema: ListedAssignment, list: true },
      ],
    },
    "POST /api/mappings": {
      operationId: "createAssignment",
      summary: "Assign a doctor to a patient",
      description:
        "Assigns a doctor who takes new patients to one of your patients. With `primary`, it takes the place of another primary assignment of the patient.",
      responses: [
        {
          status: 201,
          description: "The assignment that was created.",
          schema: Assignment,
          headers: ["ETag", "Idempotency-Replayed"],
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
    "PATCH /api/mappings/:id": {
      operationId: "updateAssignment",
      summary: "Change an assignment",
      description:
        "Changes the role of a current assignment, or makes it the primary one of its patient, by the **assignment's** id. Only what you send is changed.",
      responses: [
        {
          status: 200,
          description: "The changed assignment.",
          schema: Assignment,
          example: { ...exampleAssignment, role: "covering", version: 2 },
          headers: ["ETag"],
        },
      ],
      problems: {
        ...deletion.problems,
        403: {
          ...deletion.problems[403],
          detail: "Only the patient's owner or an admin may change or delete it.",
        },
      },
      parameters: { id: { name: sharedName, description: "The **assignment's** id.", example: 41 } },
    },
    "DELETE /api/mappings/:id": {
      operationId: "deleteAssignment",
      summary: "End an assignment",
      description:
        "Ends an assignment, by the **assignment's** id. The patient and the doctor stay, and `ended=true` lists the assignment. The doctor can be assigned to the patient again.",
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
