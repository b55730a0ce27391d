import * as z from "zod/mini";
import { accountRequests } from "./accounts/requests.ts";
import { appointmentRequests } from "./appointments/requests.ts";
import { assignmentRequests } from "./assignments/requests.ts";
import { auditRequests } from "./audit/requests.ts";
import { authRequests } from "./auth/requests.ts";
import { calendarFeedRequests } from "./calendar-feeds/requests.ts";
import { changeRequests } from "./changes/requests.ts";
import { clinicRequests } from "./clinics/requests.ts";
import { doctorRequests } from "./doctors/requests.ts";
import { emergencyAccessRequests } from "./emergency-accesses/requests.ts";
import { identifierSystemRequests } from "./identifier-systems/requests.ts";
import { invitationRequests } from "./invitations/requests.ts";
import { patientRequests } from "./patients/requests.ts";
import { scheduleRequests } from "./schedules/requests.ts";
import type { RouteRequest } from "./support/route-requests.ts";

const Health = z.strictObject({ status: z.literal("ok") });

/** One valid request for every route of the app. */
export const routeRequests: RouteRequest[] = [
  { route: "GET /healthz", status: 200, answer: Health, requests: 0, access: "open" },
  { route: "GET /readyz", status: 200, answer: Health, access: "open" },
  ...authRequests,
  ...patientRequests,
  ...doctorRequests,
  ...scheduleRequests,
  ...identifierSystemRequests,
  ...assignmentRequests,
  ...appointmentRequests,
  ...changeRequests,
  ...auditRequests,
  ...clinicRequests,
  ...accountRequests,
  ...invitationRequests,
  ...emergencyAccessRequests,
  ...calendarFeedRequests,
];
