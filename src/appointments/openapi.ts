import {
  clinicRoleRequired,
  idPathParameters,
  notModifiedResponse,
  pageParameterTexts,
  readOnlyFieldTexts,
  requestHeaders,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AppointmentChanges, AppointmentsQuery, NewAppointment } from "./requests.ts";
import { Appointment } from "./responses.ts";

const moment =
  "a time with its offset, on a whole minute, not before the current one and at most 366 days ahead";
const noteText = "A note, up to 500 characters. Null for none.";
const overrideText =
  "Why it is booked although the day is full, the doctor absent, or the time outside the hours: 10 to 500 characters. Only managers of the patient's clinic and the doctor's own account may send it. It holds for this request. It is written to the audit log and stays there, also when the patient is erased: do not name the patient.";
const cancelText = "Why it was cancelled, up to 200 characters. Null for none.";
const statusText =
  "`booked`; `arrived`: the patient is here; `fulfilled`: it has taken place; `cancelled`; `no_show`: the patient did not come. All but `cancelled` hold their time, and count against the doctor's day.";

const example = {
  ...{ id: 51, patient: 7, doctor: 3, starts_at: "2026-12-09T08:30:00.000Z" },
  ...{ ends_at: "2026-12-09T09:00:00.000Z", day: "2026-12-09", time_zone: "Europe/Berlin" },
  ...{ status: "booked" as const, note: "First visit", cancel_reason: null, override_reason: null },
  ...{ created_by: 12, created_at: "2026-11-28T10:02:41.318Z", updated_at: "2026-11-28T10:02:41.318Z" },
  version: 1,
};

const unreadable = {
  description: "There is no appointment with this id that you can read.",
  detail: "There is no such appointment.",
};
const notBookable =
  "The appointment would break rules: `rules` has all of them, `next_free` up to three slots within 14 days that are free instead.";
const notBookableDetail =
  "The doctor cannot be booked for this time: rules says why, and next_free what is free. Nothing was changed.";

export const appointmentsOpenApi: OpenApiGroup = {
  tag: {
    name: "Appointments",
    description:
      "Appointments of your patients with doctors who are assigned to them and, if your account is a doctor's own account, those with that doctor. A doctor has never more of them on a day than `max_appointments_per_day`, and neither a doctor nor a patient has two at once.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(AppointmentsQuery, {
      ...pageParameterTexts,
      sort: {
        description: `${pageParameterTexts.sort.description} \`starts_at\` if it is left out.`,
      },
      patient: {
        description:
          "Only appointments of the patient with this id. With an emergency access to the patient, you get them too.",
      },
      doctor: { description: "Only appointments with the doctor with this id." },
      status: { description: "Only appointments with this status." },
      from: { description: "Only appointments that start at or after this UTC timestamp." },
      to: { description: "Only appointments that start before this UTC timestamp." },
    }),
  ],
  schemas: {
    NewAppointment: describeSchema(NewAppointment, {
      description: "An appointment to book.",
      answer: Appointment,
      fields: {
        patient: "The id of one of your patients.",
        doctor: "The id of a doctor who is assigned to the patient.",
        starts_at: `When it starts: ${moment}. It need not be one of the doctor's slots.`,
        minutes: "How long it lasts, in minutes. The length of the doctor's slots if it is left out.",
        note: noteText,
        override_reason: overrideText,
      },
      example: {
        ...{ patient: 7, doctor: 3, starts_at: "2026-12-09T09:30:00+01:00", minutes: 30 },
        note: "First visit",
      },
    }),
    AppointmentChanges: describeSchema(AppointmentChanges, {
      description:
        "Changes of an appointment: either a move (`starts_at`, `minutes`, `doctor`, `override_reason`), or a `status`. A `note` may come with either, or alone. Fields that are left out stay as they are.",
      answer: Appointment,
      fields: {
        starts_at: `When it starts: ${moment}.`,
        minutes: "How long it lasts, in minutes. It keeps its length if this is left out.",
        doctor: "The id of another doctor who is assigned to the patient.",
        override_reason: `${overrideText} A move without it removes the one from before.`,
        status: statusText,
        cancel_reason: "Only with the status `cancelled`: why, up to 200 characters.",
        note: noteText,
      },
      example: { status: "arrived" },
    }),
    Appointment: describeSchema(Appointment, {
      description: "An appointment.",
      fields: {
        ...readOnlyFieldTexts,
        id: "The appointment's id.",
        patient: "The patient's id.",
        doctor: "The doctor's id.",
        starts_at: "When it starts: a UTC timestamp.",
        ends_at: "When it ends: a UTC timestamp.",
        day: "The date of `starts_at` in `time_zone`. The doctor's appointments of a day are counted by it.",
        time_zone: "The doctor's time zone when it was booked or moved.",
        status: statusText,
        note: noteText,
        cancel_reason: cancelText,
        override_reason:
          "Why it was booked or moved although the day was full, the doctor absent, or the time outside the hours. Null for none.",
      },
      example,
    }),
  },
  operations: {
    "GET /api/appointments": {
      operationId: "listAppointments",
      summary: "List appointments",
      description:
        "Returns a page of the appointments of your clinic's patients. If your account is a doctor's own account, they include the appointments with that doctor.",
      responses: [{ status: 200, description: "A page of appointments.", schema: Appointment, list: true }],
    },
    "POST /api/appointments": {
      operationId: "bookAppointment",
      summary: "Book an appointment",
      description:
        "Books one of your patients with a doctor who is assigned to it. The database decides: of any number of requests at once, no more succeed than there are places.",
      responses: [
        {
          status: 201,
          description: "The appointment that was booked.",
          schema: Appointment,
          headers: ["Location", "ETag", "Idempotency-Replayed"],
        },
      ],
      problems: {
        400: {
          description:
            "The body is not valid, or the patient is not one of yours, or the doctor does not exist, is not active or not assigned to it, or the time is past or too far ahead: `errors` names the field.",
        },
        403: clinicRoleRequired,
        409: {
          description: `${notBookable} Or you sent this idempotency key before, and cannot read the appointment any more.`,
          detail: notBookableDetail,
          codes: ["not_bookable", "replay_unreadable"],
        },
      },
    },
    "GET /api/appointments/:id": {
      operationId: "getAppointment",
      summary: "Read an appointment",
      description: "Returns an appointment of a patient that you can read.",
      responses: [
        { status: 200, description: "The appointment.", schema: Appointment, headers: ["ETag"] },
        notModifiedResponse,
      ],
      problems: { 404: unreadable },
    },
    "PATCH /api/appointments/:id": {
      operationId: "updateAppointment",
      summary: "Move an appointment, or change its status",
      description:
        "Moves a `booked` appointment, by the same rules as a booking; within its own day it needs no place. Or changes its status: from `booked` to every other one, from `arrived` to `booked`, `fulfilled` and `cancelled`, from `no_show` to `arrived`. `arrived` and `fulfilled` are possible from the day of the appointment on, `no_show` from its start on.",
      responses: [
        {
          status: 200,
          description: "The changed appointment.",
          schema: Appointment,
          example: { ...example, status: "arrived", version: 2 },
          headers: ["ETag"],
        },
      ],
      problems: {
        403: {
          description:
            "You can read the appointment but not change it: your role in the clinic does not allow it (`clinic_role_required`), or you read it by an emergency access, or it is yours as the doctor and you may not give it to another one (`not_appointment_owner`).",
          detail: "Only the patient's clinic and the doctor's own account may change or delete it.",
          codes: ["not_appointment_owner", "clinic_role_required"],
        },
        404: unreadable,
        409: {
          description: `${notBookable} Or its status does not allow the change, or not yet: \`appointment_status\` has it.`,
          detail: notBookableDetail,
          codes: ["not_bookable", "invalid_transition"],
        },
      },
    },
  },
};
