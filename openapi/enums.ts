import { auditActions } from "../src/db/query/audit.ts";
import { assignmentRoles, genders, outcomes, roles, specializations } from "../src/db/schema.ts";
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
