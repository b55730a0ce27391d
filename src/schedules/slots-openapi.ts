import { specializationText } from "../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../http/openapi.ts";
import { noDoctor } from "./problem-texts-openapi.ts";
import { EarliestSlotsQuery, SlotsQuery } from "./requests.ts";
import { DoctorSlots, EarliestSlots } from "./responses.ts";

const exampleSlot = {
  starts_at: "2026-12-07T08:00:00.000Z",
  ends_at: "2026-12-07T08:30:00.000Z",
  day: "2026-12-07",
};
const dayText = (name: string) => `The ${name} day, in the doctor's time zone.`;
const minutesText = {
  description: "How long the slots are, 5 to 480 minutes. The doctor's `slot_minutes` if it is left out.",
};
const startHint =
  "A slot begins when the hours begin, and then every `slot_minutes`; an appointment need not begin there. None begins before the current minute.";

/** When doctors are free. */
export const slotsOpenApi: DescribedRoutes = {
  parameters: [
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
  ],
  schemas: {
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
  },
  operations: {
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
  },
};
