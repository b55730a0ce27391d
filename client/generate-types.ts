import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";
import { AccountDetails } from "../src/accounts/answers.ts";
import { AccountChanges } from "../src/accounts/contract.ts";
import { AuditEvent } from "../src/audit/answers.ts";
import { Account, NewAccount, Session, TokenPair } from "../src/auth/answers.ts";
import { Credentials, PasswordChange, Registration } from "../src/auth/contract.ts";
import { Doctor } from "../src/doctors/answers.ts";
import { DoctorChanges, NewDoctor } from "../src/doctors/contract.ts";
import { Invitation, IssuedInvitation } from "../src/invitations/answers.ts";
import { NewInvitation } from "../src/invitations/contract.ts";
import * as mappings from "../src/mappings/answers.ts";
import { NewAssignment } from "../src/mappings/contract.ts";
import * as patients from "../src/patients/answers.ts";
import { AccountTransfer, NewPatient, PatientChanges } from "../src/patients/contract.ts";
import * as z from "../src/zod.ts";

export const typesFile = join(import.meta.dirname, "types.ts");

/** The schemas that cross the wire as JSON, by the name that their type gets. */
const { Patient, Imported, Change, Access, Restored, HandedOver, HandedOverAll, EmergencyAccess } = patients;
const { Assignment, PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient } = mappings;
const schemas = {
  ...{ Registration, Credentials, NewAccount, Account, TokenPair, PasswordChange, Session },
  ...{ AccountDetails, AccountChanges, NewInvitation, IssuedInvitation, Invitation },
  ...{ NewPatient, PatientChanges, Patient, Imported },
  ...{ Change, Access, AuditEvent },
  ...{ Restored, HandedOver, AccountTransfer, HandedOverAll, EmergencyAccess },
  ...{ NewDoctor, DoctorChanges, Doctor },
  ...{ NewAssignment, Assignment, PatientSummary, DoctorSummary, ListedAssignment, DoctorsOfPatient },
};

const banner = `// Generated from the schemas of src/ by client/generate-types.ts: do not edit; \`npm run client:types\` writes it anew.
`;

/** The types of what crosses the wire, as TypeScript that needs nothing else, from the schemas of requests and answers. */
export async function typesOfContract(): Promise<string> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  // What a client writes is a schema's input: a field that has a default may be left out.
  const { schemas: definitions } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/definitions/${id}`,
  });
  const named = Object.entries(definitions).map(([id, { $id, ...definition }]) => [id, definition]);
  const types = await compile({ definitions: Object.fromEntries(named) }, "Contract", {
    bannerComment: banner,
    unreachableDefinitions: true,
    additionalProperties: false,
    style: { printWidth: 110 },
  });
  return types
    .replace(ofTheWhole, "")
    .replaceAll(ofItsPlace, (_, before) => (before === "/**" ? "\n" : " */\n"));
}

/** What the library says of the one schema that holds them all, and of where in it each stands. */
const ofTheWhole = /\nexport interface Contract \{[^}]*\}\n/;
const ofItsPlace =
  /(\/\*\*| \*)\n \* This interface was referenced by `Contract`.*\n \* via the `definition`.*\n \*\/\n/g;

if (import.meta.main) {
  const types = await typesOfContract();
  if (types === readFileSync(typesFile, "utf8")) console.log("client/types.ts is as the schemas are.");
  else writeFileSync(typesFile, types);
}
