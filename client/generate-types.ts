import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";
import { groups } from "../openapi/document.ts";
import { enumSchemas, referToEnum } from "../openapi/enums.ts";
import { codeSchemas } from "../openapi/problems.ts";
import { AccountChanges } from "../src/accounts/requests.ts";
import { AccountDetails } from "../src/accounts/responses.ts";
import { AppointmentChanges, NewAppointment } from "../src/appointments/requests.ts";
import { Appointment } from "../src/appointments/responses.ts";
import { AssignmentChanges, NewAssignment } from "../src/assignments/requests.ts";
import * as assignments from "../src/assignments/responses.ts";
import { AuditDigest, ListedAuditEvent } from "../src/audit/responses.ts";
import { Credentials, OwnAccountChange, PasswordChange, Registration } from "../src/auth/requests.ts";
import { Account, NewAccount, Session, TokenPair } from "../src/auth/responses.ts";
import { NewCalendarFeed } from "../src/calendar-feeds/requests.ts";
import { CalendarFeed, IssuedCalendarFeed } from "../src/calendar-feeds/responses.ts";
import { ChangePage, RecordChange } from "../src/changes/responses.ts";
import { ClinicChanges, MemberChanges, NewClinic, NewMember } from "../src/clinics/requests.ts";
import { Clinic, Member } from "../src/clinics/responses.ts";
import { DoctorChanges, DoctorReassignment, NewDoctor } from "../src/doctors/requests.ts";
import { Doctor, Reassignment } from "../src/doctors/responses.ts";
import { OpenEmergencyAccess } from "../src/emergency-accesses/responses.ts";
import type { DescribedSchema, JsonSchema } from "../src/http/openapi.ts";
import { FieldErrorCode, ProblemCode } from "../src/http/responses.ts";
import { IdentifierSystemChanges, NewIdentifierSystem } from "../src/identifier-systems/requests.ts";
import { IdentifierSystem } from "../src/identifier-systems/responses.ts";
import { NewInvitation } from "../src/invitations/requests.ts";
import { Invitation, IssuedInvitation } from "../src/invitations/responses.ts";
import { PatientMerge } from "../src/patients/merge/requests.ts";
import { AccountTransfer } from "../src/patients/ownership/requests.ts";
import { NewPatient, PatientChanges } from "../src/patients/requests.ts";
import * as patients from "../src/patients/responses.ts";
import { NewAbsence, NewSchedule } from "../src/schedules/requests.ts";
import { Absence, DoctorSlots, EarliestSlots, Schedule } from "../src/schedules/responses.ts";
import * as z from "../src/zod.ts";

export const typesFile = join(import.meta.dirname, "types.ts");

/** The schemas of JSON bodies, by the names of their types. */
const {
  Patient,
  ImportResult: Imported,
  PatientChange: Change,
  PatientAccess: Access,
  RestoredPatient: Restored,
  TransferredPatient: HandedOver,
  TransferSummary: HandedOverAll,
  UnmergedPatient: Unmerged,
  ErasedPatient: Erased,
  PossibleDuplicate,
  EmergencyAccess,
} = patients;
const { Assignment, PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient } = assignments;
const schemas = {
  ...{ Registration, Credentials, NewAccount, Account, TokenPair, PasswordChange, OwnAccountChange, Session },
  ...{ AccountDetails, AccountChanges, NewInvitation, IssuedInvitation, Invitation, OpenEmergencyAccess },
  ...{ NewPatient, PatientChanges, Patient, Imported },
  ...{ Change, Access, AuditEvent: ListedAuditEvent, AuditDigest },
  ...{
    Restored,
    PatientMerge,
    Unmerged,
    HandedOver,
    AccountTransfer,
    HandedOverAll,
    Erased,
    EmergencyAccess,
    PossibleDuplicate,
  },
  ...{ NewDoctor, DoctorChanges, Doctor, DoctorReassignment, Reassignment },
  ...{ NewSchedule, Schedule, DoctorSlots, EarliestSlots, NewAbsence, Absence },
  ...{ NewClinic, ClinicChanges, Clinic, NewMember, MemberChanges, Member },
  ...{ NewIdentifierSystem, IdentifierSystemChanges, IdentifierSystem },
  ...{ NewAssignment, AssignmentChanges, Assignment },
  ...{ NewAppointment, AppointmentChanges, Appointment },
  ...{ PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient },
  ...{ NewCalendarFeed, CalendarFeed, IssuedCalendarFeed },
  ...{ RecordChange, ChangePage },
  ...{ ProblemCode, FieldErrorCode },
};

const banner = `// Generated from the schemas of src/ by client/generate-types.ts: do not edit; \`npm run client:types\` writes it anew.
`;

/**
 * Generates the text of `types.ts` from the schemas of requests and responses: TypeScript that imports nothing. Its
 * comments are the descriptions of the OpenAPI document.
 *
 * @throws when the document describes no schema of a type.
 */
export async function generateTypes(): Promise<string> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  // A client writes the input of a schema: a field with a default is optional.
  const { schemas: definitions } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/definitions/${id}`,
    override: ({ jsonSchema }) => adjustSchema(jsonSchema),
  });
  const described = Object.entries(schemas).map(([id, schema]) => {
    const { $id, ...definition } = definitions[id] ?? {};
    return [id, addDescriptions(definition, schema)];
  });
  const named = Object.entries(enumSchemas()).map(([id, { examples: _, ...schema }]) => [id, schema]);
  const types = await compile({ definitions: Object.fromEntries([...named, ...described]) }, "Contract", {
    bannerComment: banner,
    unreachableDefinitions: true,
    additionalProperties: false,
    style: { printWidth: 110 },
  });
  return types
    .replace(containerInterface, "")
    .replaceAll(generatedComment, "")
    .replaceAll(oneLineComment, "/** $1 */")
    .replaceAll(valuesOnOneLine, (_, values: string) => `  | ${values.replaceAll(" | ", "\n  | ")}`)
    .replaceAll(/^(}|\/\/.+|.+;)\n(?=\/\*\*)/gm, "$1\n\n");
}

function addDescriptions(definition: JsonSchema, schema: z.ZodMiniType): JsonSchema {
  const all = [codeSchemas, ...groups.map((group) => group.schemas)].flatMap(Object.values<DescribedSchema>);
  const texts = all.find((one) => one.schema === schema);
  if (!texts) throw new Error("The OpenAPI document does not describe a schema of the client's types.");
  const { description } = texts;
  if (!definition["properties"]) return { ...definition, description };
  const properties = Object.entries(Object(definition["properties"]) as Record<string, JsonSchema>);
  const describedProperties = properties.map(([field, property]) => {
    // The library would copy a type whose reference has a description: the reference becomes the type's name.
    const { $ref, ...rest } = property;
    const type = $ref ? { tsType: String($ref).split("/").pop() } : rest;
    return [field, { ...type, description: texts.fields[field] }];
  });
  return {
    ...definition,
    description,
    properties: Object.fromEntries(describedProperties),
  };
}

/** Enumerations are named types, and the library would write an array of at most 3 items as a union of tuples. */
function adjustSchema(schema: JsonSchema): void {
  referToEnum(schema, (name) => ({ $ref: `#/definitions/${name}` }));
  delete schema["minItems"];
  delete schema["maxItems"];
}

/**
 * The library writes an interface for the schema that contains all others, and a line about it in the comment of each
 * type.
 */
const containerInterface = /\nexport interface Contract \{[^}]*\}\n/;
const generatedComment =
  /^ \*\n \* This interface was referenced by `Contract`.*\n \* via the `definition`.*\n/gm;
/** The values of an enumeration on the line after its name. Biome writes each on a line of its own. */
const valuesOnOneLine = /^ {2}("\w+"(?: \| "\w+")+;)$/gm;
const oneLineComment = /\/\*\*\n *\* (.+)\n *\*\//g;

if (import.meta.main) {
  const types = await generateTypes();
  if (types === readFileSync(typesFile, "utf8")) console.log("client/types.ts is up to date.");
  else writeFileSync(typesFile, types);
}
