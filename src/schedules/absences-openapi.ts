import { openAppointments, pageParameterTexts, readOnlyFieldTexts } from "../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../http/openapi.ts";
import { noDoctor, notAllowed } from "./problem-texts-openapi.ts";
import { AbsencesQuery, NewAbsence } from "./requests.ts";
import { Absence } from "./responses.ts";

const exampleAbsence = {
  id: 5,
  doctor: 3,
  starts_at: "2026-12-23T23:00:00.000Z",
  ends_at: "2027-01-01T23:00:00.000Z",
  created_by: 12,
  created_at: "2026-11-26T09:30:00.000Z",
};
const absenceTexts = {
  starts_at: "When the absence begins: a time with its offset from UTC.",
  ends_at: "When it ends: after `starts_at`, at most 366 days later.",
};
const noAbsence = { description: "There is no such absence.", detail: "There is no such absence." };

/** When doctors are absent. */
export const absencesOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(AbsencesQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
    }),
  ],
  schemas: {
    NewAbsence: describeSchema(NewAbsence, {
      description: "A time in which the doctor does not work.",
      answer: Absence,
      fields: {
        ...absenceTexts,
        existing:
          "What becomes of appointments that are booked in this time: `refuse` (409 if there are any), `keep` or `cancel`. `refuse` if it is left out.",
      },
      example: {
        starts_at: "2026-12-24T00:00:00+01:00",
        ends_at: "2027-01-02T00:00:00+01:00",
        existing: "refuse",
      },
    }),
    Absence: describeSchema(Absence, {
      description: "A time in which a doctor does not work.",
      fields: {
        id: "The absence's id.",
        doctor: "The id of the doctor.",
        ...absenceTexts,
        created_by: readOnlyFieldTexts.created_by,
        created_at: readOnlyFieldTexts.created_at,
      },
      example: exampleAbsence,
    }),
  },
  operations: {
    "GET /api/doctors/:id/absences": {
      operationId: "listAbsences",
      summary: "List a doctor's absences",
      description: "Returns a page of the doctor's absences, in order of `starts_at`.",
      responses: [{ status: 200, description: "A page of absences.", schema: Absence, list: true }],
      problems: { 404: noDoctor },
    },
    "POST /api/doctors/:id/absences": {
      operationId: "createAbsence",
      summary: "Create an absence of a doctor",
      description:
        "From then on, nothing is booked in this time. Appointments that are booked already are in the way, stay, or are cancelled with the reason “The doctor is absent.”, as `existing` says. Clerks cancel those of their own clinic; the doctor's own account and admins cancel all of them.",
      responses: [
        {
          status: 201,
          description: "The absence that was created.",
          schema: Absence,
          headers: ["Location", "Idempotency-Replayed"],
        },
      ],
      problems: {
        403: {
          ...notAllowed,
          description: `\`not_doctor_creator\`: ${notAllowed.description} \`not_appointment_owner\`: some appointments are not yours to cancel. Nothing was done.`,
          codes: ["not_doctor_creator", "not_appointment_owner"],
        },
        404: noDoctor,
        409: {
          ...openAppointments(
            "`open_appointments`: appointments are booked in this time, and `existing` is `refuse`. Nothing was done.",
          ),
          detail:
            'There are appointments in this time. Cancel or move them first, or send "existing": "keep" or "cancel".',
          codes: ["open_appointments", "replay_unreadable"],
        },
      },
    },
    "GET /api/absences/:id": {
      operationId: "getAbsence",
      summary: "Get an absence",
      description: "Returns an absence of a doctor. It never changes; it can only be deleted.",
      responses: [{ status: 200, description: "The absence.", schema: Absence }],
      problems: { 404: noAbsence },
    },
    "DELETE /api/absences/:id": {
      operationId: "deleteAbsence",
      summary: "Delete an absence",
      description:
        "The doctor works in this time again, if the hours say so. Appointments that were cancelled stay so.",
      responses: [{ status: 204, description: "The absence was deleted." }],
      problems: {
        403: notAllowed,
        404: noAbsence,
      },
    },
  },
};
