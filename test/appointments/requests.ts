import * as z from "zod/mini";
import { Appointment } from "../../src/appointments/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { assignedPair, bookablePair, hoursFromNow, insertAppointment } from "../support/appointments.ts";
import type { RouteRequest } from "../support/route-requests.ts";

async function insertedAppointment(account: TestAccount): Promise<{ id: number }> {
  const { patient, doctor } = await assignedPair(account);
  return { id: await insertAppointment(patient, doctor, { hours: -1 }) };
}

export const appointmentRequests: RouteRequest[] = [
  {
    route: "GET /api/appointments",
    status: 200,
    answer: z.tuple([Appointment]),
    recorded: "list",
    subject: insertedAppointment,
    access: { toOthers: 200 },
  },
  {
    route: "POST /api/appointments",
    status: 201,
    answer: Appointment,
    recorded: "book",
    subject: async (account) => {
      const { patient, doctor } = await bookablePair(account);
      const body = { patient: patient.id, doctor: doctor.id, starts_at: hoursFromNow(48) };
      return { body: { ...body, note: "First visit" } };
    },
    access: { toOthers: 400 },
    invalid: { starts_at: "tomorrow" },
  },
  {
    route: "GET /api/appointments/:id",
    status: 200,
    answer: Appointment,
    recorded: "read",
    subject: insertedAppointment,
    access: { toOthers: 404 },
  },
  {
    route: "PATCH /api/appointments/:id",
    status: 200,
    answer: Appointment,
    recorded: "update_appointment",
    subject: async (account) => ({
      ...(await insertedAppointment(account)),
      body: { note: "Brings the results." },
    }),
    access: { toOthers: 404 },
    invalid: { status: "late" },
  },
];
