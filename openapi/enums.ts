import { auditActions } from "../src/db/query/audit-actions.ts";
import { appointmentRules } from "../src/db/schema/codes.ts";
import {
  appointmentStatuses,
  assignmentRoles,
  genders,
  outcomes,
  roles,
  specializations,
} from "../src/db/schema.ts";
import { auditActionsText } from "../src/http/audit-event-openapi.ts";
import { genderText, specializationText } from "../src/http/common-openapi.ts";
import { countryCodes } from "../src/http/country-codes.ts";
import { type JsonSchema, referenceTo } from "../src/http/openapi.ts";

/**
 * The enumerations that are named components. Code generators name a type by its component: without one, each field
 * has a type of its own.
 */
const enums: Record<string, { values: readonly string[]; description: string }> = {
  Gender: { values: genders, description: genderText },
  Specialization: { values: specializations, description: specializationText },
  AssignmentRole: {
    values: assignmentRoles,
    description:
      "What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor.",
  },
  AppointmentStatus: {
    values: appointmentStatuses,
    description:
      "`booked`; `arrived`: the patient is here; `fulfilled`: it has taken place; `cancelled`; `no_show`: the patient did not come.",
  },
  AppointmentRule: {
    values: appointmentRules,
    description:
      "`no_schedule`: the doctor has no hours; `outside_hours`; `absent`: the doctor is absent; `day_full`: the doctor has as many appointments on this day as there may be; `doctor_busy`, `patient_busy`: there is another appointment at this time.",
  },
  Country: { values: countryCodes, description: "A country, by its alpha-2 code of ISO 3166-1." },
  Role: {
    values: roles,
    description:
      "What an account may do: a `clinician` changes its own records; an `admin` also changes all doctors and manages accounts; an `auditor` only reads the audit log and accounts.",
  },
  Outcome: {
    values: outcomes,
    description:
      "`done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled.",
  },
  AuditAction: { values: auditActions, description: `What was done or attempted: ${auditActionsText}.` },
};

/** The components of the enumerations. */
export const enumSchemas = (): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(enums).map(([name, { values, description }]) => [
      name,
      { type: "string", enum: values, description, examples: [values[0]] },
    ]),
  );

/**
 * Replaces an enumeration with the values of a named one by a reference to that.
 *
 * @param refer makes the reference from the name.
 */
export function referToEnum(schema: JsonSchema, refer = referenceTo): void {
  const name = Object.keys(enums).find((one) => String(enums[one]?.values) === String(schema["enum"]));
  if (name === undefined) return;
  delete schema["type"];
  delete schema["enum"];
  Object.assign(schema, refer(name));
}
