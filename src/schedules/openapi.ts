import {
  idPathParameters,
  notModifiedResponse,
  openAppointments,
  pageParameterTexts,
  readOnlyFieldTexts,
  requestHeaders,
  specializationText,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AbsencesQuery, EarliestSlotsQuery, NewAbsence, NewSchedule, SlotsQuery } from "./requests.ts";
import { Absence, DoctorSlots, EarliestSlots, Schedule } from "./responses.ts";

const hours = [
  { weekday: 1, from: "09:00", to: "12:00" },
  { weekday: 1, from: "13:00", to: "17:00" },
];
const exampleSchedule = {
  doctor: 3,
  time_zone: "Europe/Berlin",
  slot_minutes: 30,
  hours,
  updated_at: "2026-11-26T09:30:00.000Z",
  version: 1,
};
const exampleSlot = {
  starts_at: "2026-12-07T08:00:00.000Z",
  ends_at: "2026-12-07T08:30:00.000Z",
  day: "2026-12-07",
};
const exampleAbsence = {
  id: 5,
  doctor: 3,
  starts_at: "2026-12-23T23:00:00.000Z",
  ends_at: "2027-01-01T23:00:00.000Z",
  created_by: 12,
  created_at: "2026-11-26T09:30:00.000Z",
};

const scheduleTexts = {
  time_zone: "The doctor's time zone, by its IANA name, as it was sent.",
  slot_minutes:
    "The usual length of an appointment, and the step from one free slot to the next: 5 to 480 minutes.",
  hours:
    "The weekly hours, up to 50: `weekday` is 1 (Monday) to 7 (Sunday), `from` and `to` are times in the time zone like `09:00`; `to` is after `from`, and `24:00` at most. `[]` for none. A night is two entries, `22:00` to `24:00` and `00:00` to `06:00` of the next day. Entries that touch or overlap are one. Of an hour that daylight saving doubles, either may be the first; hours that open in one that it skips open at its end.",
};
const absenceTexts = {
  starts_at: "When the absence begins: a time with its offset from UTC.",
  ends_at: "When it ends: after `starts_at`, at most 366 days later.",
};

const noDoctor = { description: "There is no such doctor.", detail: "There is no such doctor." };
const noAbsence = { description: "There is no such absence.", detail: "There is no such absence." };
const notAllowed = {
  description:
    "Only the account that created the doctor, the doctor's own account and admins may change the schedule and absences.",
  detail:
    "Only the account that created the doctor, the doctor's own account or an admin may change absences.",
  codes: ["not_doctor_creator"],
} as const;
const dayText = (name: string) => `The ${name} day, in the doctor's time zone.`;
const minutesText = {
  description: "How long the slots are, 5 to 480 minutes. The doctor's `slot_minutes` if it is left out.",
};
const startHint =
  "A slot begins when the hours begin, and then every `slot_minutes`; an appointment need not begin there. None begins before the current minute.";

export const schedulesOpenApi: OpenApiGroup = {
  tag: {
    name: "Schedules",
    description:
      "When doctors work, when they are free and when they are absent. Every account can see that, and it names no patient.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(SlotsQuery, {
      from: { description: dayText("first"), example: "2026-12-07" },
      to: { description: `${dayText("last")} At most 31 days in all.`, example: "2026-12-11" },
      minutes: minutesText,
      patient: {
        description:
          "The id of a patient that you can read: only slots in which this patient has no other appointment. The access is audited.",
      },
      limit: { description: "The maximum number of slots; 200 if it is left out." },
      after: { description: "Only slots from this UTC timestamp on: take it from the `Link` header." },
    }),
    describeParameters(EarliestSlotsQuery, {
      from: { description: dayText("first"), example: "2026-12-07" },
      to: { description: `${dayText("last")} At most 7 days in all.`, example: "2026-12-11" },
      minutes: minutesText,
      specialization: { description: `Only doctors of this specialization: ${specializationText}` },
    }),
    describeParameters(AbsencesQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
    }),
  ],
  schemas: {
    NewSchedule: describeSchema(NewSchedule, {
      description: "When a doctor works, in a normal week.",
      answer: Schedule,
      fields: {
        ...scheduleTexts,
        time_zone:
          "The doctor's time zone, by its IANA name, such as `Europe/Berlin`. Offsets such as `+03:00` or `UTC+3` are refused.",
        slot_minutes: `${scheduleTexts.slot_minutes} 30 if it is left out.`,
      },
      example: { time_zone: "Europe/Berlin", slot_minutes: 30, hours },
    }),
    Schedule: describeSchema(Schedule, {
      description: "When a doctor works, in a normal week.",
      fields: {
        doctor: "The id of the doctor.",
        ...scheduleTexts,
        updated_at: readOnlyFieldTexts.updated_at,
        version: readOnlyFieldTexts.version,
      },
      example: exampleSchedule,
    }),
    DoctorSlots: describeSchema(DoctorSlots, {
      description: "The free slots of a doctor.",
      fields: {
        doctor: "The id of the doctor.",
        time_zone: "The doctor's time zone. Null if the doctor has no schedule: then there are no slots.",
        minutes: "How long the slots are. Null if it was not asked for and the doctor has no schedule.",
        slots:
          "The slots, in order of time: `starts_at` and `ends_at` are UTC timestamps in milliseconds, `day` is the date of `starts_at` in the time zone.",
      },
      example: { doctor: 3, time_zone: "Europe/Berlin", minutes: 30, slots: [exampleSlot] },
    }),
    EarliestSlots: describeSchema(EarliestSlots, {
      description: "The first free slots of a doctor.",
      fields: {
        doctor: "The id of the doctor.",
        time_zone: "The doctor's time zone.",
        slots: "Up to three slots, in order of time, as in the slots of one doctor.",
      },
      example: { doctor: 3, time_zone: "Europe/Berlin", slots: [exampleSlot] },
    }),
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
    "GET /api/doctors/:id/schedule": {
      operationId: "getSchedule",
      summary: "Get a doctor's schedule",
      description: "Returns when the doctor works. 404 until it was set.",
      responses: [
        { status: 200, description: "The schedule.", schema: Schedule, headers: ["ETag"] },
        notModifiedResponse,
      ],
      problems: {
        404: {
          description: "There is no such doctor, or the doctor has no schedule.",
          detail: "There is no such schedule.",
        },
      },
    },
    "PUT /api/doctors/:id/schedule": {
      operationId: "putSchedule",
      summary: "Set a doctor's schedule",
      description:
        "Replaces the whole schedule, or creates it. Appointments that are booked stay as they are, also outside the new hours. With `If-None-Match: *` it only creates one; an installation that requires `If-Match` accepts that too.",
      responses: [
        {
          status: 200,
          description: "The schedule after the change.",
          schema: Schedule,
          example: { ...exampleSchedule, version: 2 },
          headers: ["ETag"],
        },
        { status: 201, description: "The schedule that was created.", schema: Schedule, headers: ["ETag"] },
      ],
      problems: {
        400: { description: "A field is not valid, or the database does not know the time zone." },
        403: {
          ...notAllowed,
          detail:
            "Only the account that created the doctor, the doctor's own account or an admin may change or delete it.",
        },
        404: noDoctor,
        409: {
          description:
            "The time zone would be another one, and open appointments count their days in the one so far: `others` says how many.",
          detail:
            "The time zone cannot change while the doctor has open appointments (2): move or cancel them first.",
          codes: ["open_appointments"],
        },
      },
    },
    "GET /api/doctors/:id/slots": {
      operationId: "listSlots",
      summary: "List a doctor's free slots",
      description: `Returns when the doctor is free on some days: within the hours, outside absences and other appointments, on days that are not full. ${startHint} A doctor who is not \`active\` has none, and neither has one without a schedule.`,
      responses: [
        { status: 200, description: "A page of free slots.", schema: DoctorSlots, headers: ["Link"] },
      ],
      problems: {
        400: {
          description:
            "A parameter is missing or not valid, or `patient` is not there for you: `errors` names it.",
        },
        404: noDoctor,
      },
    },
    "GET /api/slots": {
      operationId: "listEarliestSlots",
      summary: "Find the doctors who are free earliest",
      description: `Returns the first three free slots of each of the 50 active doctors who are free earliest, the earliest first. ${startHint} Up to 1,000 doctors with a schedule are looked at, those with the lowest ids: with more, search by \`specialization\`.`,
      responses: [{ status: 200, description: "The doctors, up to 50.", schema: EarliestSlots, list: true }],
    },
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
