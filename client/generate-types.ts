import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";
import { AccountChanges } from "../src/accounts/requests.ts";
import { AccountDetails } from "../src/accounts/responses.ts";
import { NewAssignment } from "../src/assignments/requests.ts";
import * as assignments from "../src/assignments/responses.ts";
import { AuditDigest, ListedAuditEvent } from "../src/audit/responses.ts";
import { Credentials, OwnAccountChange, PasswordChange, Registration } from "../src/auth/requests.ts";
import { Account, NewAccount, Session, TokenPair } from "../src/auth/responses.ts";
import { DoctorChanges, NewDoctor } from "../src/doctors/requests.ts";
import { Doctor } from "../src/doctors/responses.ts";
import { OpenEmergencyAccess } from "../src/emergency-accesses/responses.ts";
import { FieldErrorCode, ProblemCode } from "../src/http/responses.ts";
import { NewInvitation } from "../src/invitations/requests.ts";
import { Invitation, IssuedInvitation } from "../src/invitations/responses.ts";
import { AccountTransfer, NewPatient, PatientChanges } from "../src/patients/requests.ts";
import * as patients from "../src/patients/responses.ts";
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
  EmergencyAccess,
} = patients;
const { Assignment, PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient } = assignments;
const schemas = {
  ...{ Registration, Credentials, NewAccount, Account, TokenPair, PasswordChange, OwnAccountChange, Session },
  ...{ AccountDetails, AccountChanges, NewInvitation, IssuedInvitation, Invitation, OpenEmergencyAccess },
  ...{ NewPatient, PatientChanges, Patient, Imported },
  ...{ Change, Access, AuditEvent: ListedAuditEvent, AuditDigest },
  ...{ Restored, HandedOver, AccountTransfer, HandedOverAll, EmergencyAccess },
  ...{ NewDoctor, DoctorChanges, Doctor },
  ...{ NewAssignment, Assignment, PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient },
  ...{ ProblemCode, FieldErrorCode },
};

const banner = `// Generated from the schemas of src/ by client/generate-types.ts: do not edit; \`npm run client:types\` writes it anew.
`;

/** Generates the text of `types.ts` from the schemas of requests and responses: TypeScript that imports nothing. */
export async function generateTypes(): Promise<string> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  // A client writes the input of a schema: a field with a default is optional.
  const { schemas: definitions } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/definitions/${id}`,
  });
  const withoutId = Object.entries(definitions).map(([id, { $id, ...definition }]) => [id, definition]);
  const types = await compile({ definitions: Object.fromEntries(withoutId) }, "Contract", {
    bannerComment: banner,
    unreachableDefinitions: true,
    additionalProperties: false,
    style: { printWidth: 110 },
  });
  return types
    .replace(containerInterface, "")
    .replaceAll(generatedComment, (_, before) => (before === "/**" ? "\n" : " */\n"))
    .replace(/\n{3,}/g, "\n\n");
}

/**
 * The library writes an interface for the schema that contains all others, and a comment about it above each type.
 */
const containerInterface = /\nexport interface Contract \{[^}]*\}\n/;
const generatedComment =
  /(\/\*\*| \*)\n \* This interface was referenced by `Contract`.*\n \* via the `definition`.*\n \*\/\n/g;

if (import.meta.main) {
  const types = await generateTypes();
  if (types === readFileSync(typesFile, "utf8")) console.log("client/types.ts is up to date.");
  else writeFileSync(typesFile, types);
}
