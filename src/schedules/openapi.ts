import {
  idPathParameters,
  notModifiedResponse,
  readOnlyFieldTexts,
  requestHeaders,
} from "../http/common-openapi.ts";
import { describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { absencesOpenApi } from "./absences-openapi.ts";
import { noDoctor, notAllowed } from "./problem-texts-openapi.ts";
import { NewSchedule } from "./requests.ts";
import { Schedule } from "./responses.ts";
import { slotsOpenApi } from "./slots-openapi.ts";

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

const scheduleTexts = {
  time_zone: "The doctor's time zone, by its IANA name, as it was sent.",
  slot_minutes:
    "The usual length of an appointment, and the step from one free slot to the next: 5 to 480 minutes.",
  hours:
    "The weekly hours, up to 50: `weekday` is 1 (Monday) to 7 (Sunday), `from` and `to` are times in the time zone like `09:00`; `to` is after `from`, and `24:00` at most. `[]` for none. A night is two entries, `22:00` to `24:00` and `00:00` to `06:00` of the next day. Entries that touch or overlap are one. Of an hour that daylight saving doubles, either may be the first; hours that open in one that it skips open at its end.",
};

export const schedulesOpenApi: OpenApiGroup = {
  tag: {
    name: "Schedules",
    description:
      "When doctors work, when they are free and when they are absent. Every account can see that, and it names no patient.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    ...slotsOpenApi.parameters,
    ...absencesOpenApi.parameters,
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
    ...slotsOpenApi.schemas,
    ...absencesOpenApi.schemas,
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
    ...slotsOpenApi.operations,
    ...absencesOpenApi.operations,
  },
};
