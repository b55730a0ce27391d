import { type SQL, sql } from "drizzle-orm";
import { callerClinicId, callerDoctorId, callerIsDoctor } from "../db/query/caller.ts";
import { defineList, type IndexScan } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, param } from "../db/statement.ts";
import type { Appointment } from "./responses.ts";
import { appointmentJson } from "./steps.ts";

const [patient, doctor] = [intParam("patient"), intParam("doctor")];
const status = sql`${param("status")}::text`;
const [from, to] = [sql`${param("from")}::timestamptz`, sql`${param("to")}::timestamptz`];

const byTime = ["a.starts_at", "a.id"];
const byId = ["a.id"];

/** The appointments with one value of a column, under a condition. */
const appointmentsBy = (
  column: "owner_id" | "doctor_id" | "patient_id",
  value: SQL,
  condition?: SQL,
): IndexScan => ({
  from: sql`appointments a`,
  equals: [[`a.${column}`, value]],
  ...(condition && { condition }),
});

/** Those of the clinic and, for a doctor's own account, those of the doctor. */
const readableScans = [
  appointmentsBy("owner_id", callerClinicId),
  appointmentsBy("doctor_id", callerDoctorId, sql`${callerIsDoctor} AND a.owner_id IS NOT NULL`),
];
/** A doctor's own account sees the doctor's appointments of all clinics, everybody else those of the own clinic. */
const ofDoctor: IndexScan[] = [
  {
    from: sql`appointments a`,
    equals: [
      ["a.doctor_id", doctor],
      ["a.owner_id", callerClinicId],
    ],
    condition: sql`${callerDoctorId} IS DISTINCT FROM ${doctor}`,
  },
  appointmentsBy(
    "doctor_id",
    doctor,
    sql`${callerDoctorId} IS NOT DISTINCT FROM ${doctor} AND a.owner_id IS NOT NULL`,
  ),
];
/** Emergency access is to one patient. */
const ofPatient = [appointmentsBy("patient_id", patient, can("appointments:read"))];
/** The few appointments of one patient, which are sorted. `OFFSET 0`: the planner plans the subquery by itself. */
const sortedOfPatient: IndexScan[] = [
  {
    from: sql`(
        SELECT * FROM appointments a WHERE a.patient_id = ${patient} AND ${can("appointments:read")} OFFSET 0
      ) a`,
  },
];

/** The appointments of the clinic's patients, and for a doctor's own account its own. Audited with their patients. */
export const listAppointments = defineList<Appointment>({
  name: "appointments/list",
  routes: "GET /api/appointments",
  alias: "a",
  json: appointmentJson,
  filters: {
    // The first filter in use is answered by its index: a patient has fewer than a doctor.
    patient: sql`(${patient} IS NULL OR a.patient_id = ${patient})`,
    doctor: sql`(${doctor} IS NULL OR a.doctor_id = ${doctor})`,
    status: sql`(${status} IS NULL OR a.status = ${status})`,
    from: sql`(${from} IS NULL OR a.starts_at >= ${from})`,
    to: sql`(${to} IS NULL OR a.starts_at < ${to})`,
  },
  timeRange: { fromParam: "from", toParam: "to" },
  sorts: {
    starts_at: { order: byTime, scans: readableScans },
    id: { order: byId, scans: readableScans },
    "patient starts_at": { order: byTime, scans: ofPatient },
    "patient id": { order: byId, scans: sortedOfPatient },
    "doctor starts_at": { order: byTime, scans: ofDoctor },
    "doctor id": { order: byId, scans: ofDoctor },
  },
  auditEvent: {
    columns: {
      action: "list",
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
});
