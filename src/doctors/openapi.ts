import {
  clinicRoleRequired,
  contactTexts,
  describeEmail,
  genderText,
  idPathParameters,
  notModifiedResponse,
  openAppointments,
  pageParameterTexts,
  personNameTexts,
  readOnlyFieldTexts,
  requestHeaders,
  searchParameterText,
  specializationText,
  updatedSinceText,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { DoctorChanges, DoctorReassignment, DoctorsQuery, NewDoctor } from "./requests.ts";
import { Doctor, Reassignment } from "./responses.ts";

const exampleNewDoctor = {
  firstname: "Gregory",
  lastname: "House",
  email: "house@example.org",
  gender: "M" as const,
  specialization: "NEUR" as const,
  max_appointments_per_day: 8,
  active: true,
  email_shared: false,
  phones: ["+12025550199"],
};
const exampleDoctor = {
  id: 3,
  ...exampleNewDoctor,
  created_by: 12,
  created_at: "2026-09-06T09:45:06.922Z",
  updated_at: "2026-09-06T09:45:06.922Z",
  version: 1,
};
const fields = {
  ...personNameTexts,
  email: describeEmail(
    "The email address",
    " Unique among all doctors, except for `email_shared`; case is ignored. Null for none.",
  ),
  gender: genderText,
  specialization: specializationText,
  max_appointments_per_day: "The maximum number of appointments per day, 0 to 1000.",
  active:
    "Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay.",
  ...contactTexts,
};
const emailTaken = {
  description:
    "A doctor with this email already exists, whose id is `existing`, and neither of the two has `email_shared`; or a concurrent request was changing this doctor: try again.",
  detail: "A doctor with this email already exists.",
  codes: ["email_taken"],
} as const;
const notFound = { description: "There is no such doctor.", detail: "There is no such doctor." };
const notCreator = {
  description:
    "Only the account that created this doctor or an admin may change or delete it. Once an account is linked to it, or a patient of another account or of a shared clinic is assigned, only an admin may delete it, or change its names, email, phone numbers or `active`: then the code is `doctor_relied_on`.",
  codes: ["not_doctor_creator", "doctor_relied_on"],
} as const;
const update = {
  responses: [
    {
      status: 200,
      description: "The doctor after the change.",
      schema: Doctor,
      example: {
        ...exampleDoctor,
        max_appointments_per_day: 6,
        updated_at: "2026-12-09T08:30:00.417Z",
        version: 2,
      },
      headers: ["ETag"],
    },
  ],
  problems: { 403: notCreator, 404: notFound, 409: emailTaken },
} as const;

export const doctorsOpenApi: OpenApiGroup = {
  tag: {
    name: "Doctors",
    description:
      "The hospital's doctors. Every account can see every doctor. Only the account that created a doctor and admins can change it; once others rely on it, only admins can change who it is.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(DoctorsQuery, {
      ...pageParameterTexts,
      search: searchParameterText,
      specialization: {
        description: `Only doctors of this specialization: ${specializationText}`,
      },
      active: {
        description: "`true`: only doctors who take new patients; `false`: only those who do not.",
      },
      patient: {
        description: "Only doctors assigned to the patient with this id, one of yours.",
      },
      updated_since: updatedSinceText,
    }),
  ],
  schemas: {
    NewDoctor: describeSchema(NewDoctor, {
      description: "A new doctor.",
      answer: Doctor,
      fields: {
        ...fields,
        max_appointments_per_day: `${fields.max_appointments_per_day} 10 if it is left out.`,
        active: `${fields.active} \`true\` if it is left out.`,
      },
      example: exampleNewDoctor,
    }),
    DoctorChanges: describeSchema(DoctorChanges, {
      description: "Changes of a doctor. Fields that are left out stay as they are.",
      answer: Doctor,
      fields,
      example: { max_appointments_per_day: 6 },
    }),
    DoctorReassignment: describeSchema(DoctorReassignment, {
      description: "The doctor who gets the patients of another one.",
      fields: {
        to: "The id of another active doctor.",
        patients: "The ids of up to 1,000 patients. Left out: all patients of the doctor.",
        appointments:
          "`cancel` cancels the open appointments of these patients with the doctor who leaves. Without it the response is 409 if there are any.",
        reason: "Why: 10 to 500 characters. Required for admins. It is written to the audit log.",
      },
      example: { to: 4, reason: "Dr House has left the hospital." },
    }),
    Reassignment: describeSchema(Reassignment, {
      description: "What became of the assignments of a doctor who leaves.",
      fields: {
        reassigned: "How many patients have the other doctor now.",
        already: "How many patients had the other doctor already. The assignment to the first one has ended.",
        cancelled: "How many appointments were cancelled.",
        more: "Whether there may be more: send the same request again.",
      },
      example: { reassigned: 12, already: 1, cancelled: 0, more: false },
    }),
    Doctor: describeSchema(Doctor, {
      description: "A doctor.",
      fields: {
        ...fields,
        ...readOnlyFieldTexts,
        created_by:
          "The id of the account that created it. It can change the doctor; once others rely on the doctor, only partly.",
      },
      example: exampleDoctor,
    }),
  },
  operations: {
    "GET /api/doctors": {
      operationId: "listDoctors",
      summary: "List doctors",
      description: "Returns a page of all doctors. Filters can be combined.",
      responses: [{ status: 200, description: "A page of doctors.", schema: Doctor, list: true }],
    },
    "POST /api/doctors": {
      operationId: "createDoctor",
      summary: "Create a doctor",
      description: "Creates a doctor that every account can see.",
      responses: [
        {
          status: 201,
          description: "The doctor that was created.",
          schema: Doctor,
          headers: ["Location", "ETag", "Idempotency-Replayed"],
        },
      ],
      problems: {
        409: {
          ...emailTaken,
          description:
            "A doctor with this email already exists; or you sent this idempotency key before, and the doctor that it created was deleted.",
          codes: ["email_taken", "replay_unreadable"],
        },
      },
    },
    "GET /api/doctors/:id": {
      operationId: "getDoctor",
      summary: "Get a doctor",
      description: "Returns one doctor.",
      responses: [
        { status: 200, description: "The doctor.", schema: Doctor, headers: ["ETag"] },
        notModifiedResponse,
      ],
      problems: { 404: notFound },
    },
    "PUT /api/doctors/:id": {
      operationId: "patchDoctorByPut",
      summary: "Change a doctor by sending it back",
      description:
        "The same as PATCH, and no replacement: it changes the fields that you send, and those that you leave out stay as they are. You can get a doctor, change a field, and send the whole doctor back: fields that the API sets itself are ignored.",
      ...update,
    },
    "PATCH /api/doctors/:id": {
      operationId: "updateDoctor",
      summary: "Change a doctor",
      description: "Changes the fields that you send, and no others.",
      ...update,
    },
    "DELETE /api/doctors/:id": {
      operationId: "deleteDoctor",
      summary: "Delete a doctor",
      description:
        "Deletes a doctor without patients. For a doctor who has had patients, it is better to set `active` to `false`.",
      responses: [{ status: 204, description: "The doctor was deleted." }],
      problems: {
        403: notCreator,
        404: notFound,
        409: {
          description:
            "`doctor_has_patients`: the doctor still has patients; `detail` says how many. `doctor_has_appointments`: patients have or had appointments with the doctor.",
          detail: "This doctor still has 2 patients; end the assignments first.",
          codes: ["doctor_has_patients", "doctor_has_appointments"],
        },
      },
    },
    "POST /api/doctors/:id/reassign": {
      operationId: "reassignPatients",
      summary: "Give a doctor's patients to another doctor",
      description:
        "For managers of a clinic, who reassign the clinic's patients, and for admins, who reassign all and must give a reason. The current assignments of the doctor end, and those to the other doctor begin, with the same role and `primary`. An assignment to a doctor who is assigned already only ends. Open appointments with the doctor who leaves are in the way, or are cancelled on request. Ids of patients that are not there for you, or not assigned to the doctor, are ignored. One request ends up to 1,000 assignments: repeat it while `more` is true. It can be repeated safely.",
      responses: [{ status: 200, description: "What was reassigned.", schema: Reassignment }],
      problems: {
        400: {
          description:
            "`to` is the same doctor, or no active one; or you are an admin and gave no reason: `errors` names the field.",
        },
        403: clinicRoleRequired,
        404: notFound,
        409: openAppointments(
          "These patients have open appointments with the doctor who leaves. Nothing was changed.",
        ),
      },
    },
  },
};
