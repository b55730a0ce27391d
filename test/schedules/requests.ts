import * as z from "zod/mini";
import { Absence, DoctorSlots, EarliestSlots, Schedule } from "../../src/schedules/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { hoursFromNow } from "../support/appointments.ts";
import { postDoctor } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";
import { newSchedule, postAbsence, postDoctorWithSchedule } from "../support/schedules.ts";

const doctor = async (account: TestAccount) => ({ id: (await postDoctor(account)).id });
const withSchedule = async (account: TestAccount) => postDoctorWithSchedule(account);
const absence = { starts_at: hoursFromNow(24), ends_at: hoursFromNow(48) };
const withAbsence = async (account: TestAccount) => ({
  id: (await postAbsence(account, await doctor(account), absence)).id,
});
const day = hoursFromNow(24).slice(0, 10);
const query = `from=${day}&to=${day}`;

const [readable, forbidden] = [{ toOthers: 200 }, { toOthers: 403 }];

export const scheduleRequests: RouteRequest[] = [
  {
    route: "GET /api/doctors/:id/schedule",
    status: 200,
    answer: Schedule,
    subject: withSchedule,
    access: readable,
  },
  {
    route: "PUT /api/doctors/:id/schedule",
    status: 200,
    answer: Schedule,
    recorded: "schedule",
    subject: async (account) => ({
      ...(await withSchedule(account)),
      body: newSchedule({ slot_minutes: 20 }),
    }),
    access: forbidden,
    invalid: { time_zone: "UTC+3", slot_minutes: 4, hours: [{ weekday: 1, from: "09:00", to: "09:00" }] },
  },
  {
    route: "GET /api/doctors/:id/slots",
    status: 200,
    answer: DoctorSlots,
    subject: async (account) => ({ ...(await withSchedule(account)), query }),
    access: readable,
  },
  {
    route: "GET /api/slots",
    status: 200,
    answer: z.array(EarliestSlots).check(z.minLength(1)),
    subject: async (account) => {
      await withSchedule(account);
      return { query };
    },
    access: readable,
  },
  {
    route: "GET /api/doctors/:id/absences",
    status: 200,
    answer: z.array(Absence).check(z.minLength(1)),
    subject: async (account) => {
      const { id } = await doctor(account);
      await postAbsence(account, { id }, absence);
      return { id };
    },
    access: readable,
  },
  {
    route: "POST /api/doctors/:id/absences",
    status: 201,
    answer: Absence,
    recorded: "absence",
    subject: async (account) => ({ ...(await doctor(account)), body: absence }),
    access: forbidden,
    invalid: { ends_at: hoursFromNow(12) },
  },
  { route: "GET /api/absences/:id", status: 200, answer: Absence, subject: withAbsence, access: readable },
  {
    route: "DELETE /api/absences/:id",
    status: 204,
    recorded: "absence",
    subject: withAbsence,
    access: forbidden,
  },
];
