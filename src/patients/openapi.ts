import {
  clinicRoleRequired,
  contactTexts,
  describeEmail,
  genderText,
  idPathParameters,
  mergedProblem,
  notModifiedResponse,
  pageParameterTexts,
  personNameTexts,
  readOnlyFieldTexts,
  requestHeaders,
  searchParameterText,
  updatedSinceText,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { patientAuditOpenApi } from "./audit-openapi.ts";
import { duplicatesOpenApi, notDuplicateOfText } from "./duplicates/openapi.ts";
import { exampleNewPatient, examplePatient } from "./examples-openapi.ts";
import { importExportOpenApi } from "./import-export-openapi.ts";
import { mergeOpenApi } from "./merge/openapi.ts";
import { ownershipOpenApi } from "./ownership/openapi.ts";
import { NewPatient, PatientChanges, PatientsQuery } from "./requests.ts";
import { Patient } from "./responses.ts";

const fields = {
  ...personNameTexts,
  email: describeEmail(
    "The email address",
    " Unique among the patients of your account, except for `email_shared`; case is ignored. Null for none: then the patient has a phone number, or is `anonymous`.",
  ),
  age: "The age in whole years. A new patient has an age of 0 to 120, a `birth_date`, or both if they agree. An age that is sent back as the patient has it changes nothing. It cannot be changed when the birth date is known.",
  gender: genderText,
  birth_date:
    "The birth date: `1990-05-17`, or `1990-05` or `1990` when the rest is not known. It replaces an age. It is at most tomorrow, and at most 120 years ago.",
  ...contactTexts,
  anonymous:
    "`true`: the patient may have neither an email nor a phone number nor an identifier, as in an emergency. `false` if it was never set.",
  identifiers:
    'Up to 10 numbers of the patient, each with the name of its identifier system: `{"system": "mrn", "value": "00217"}`. A value has up to 64 characters. It is compared in upper case, without spaces and hyphens; it must match the pattern of its system and have the right check digit, and is unique in its system among the patients of your account.',
  address:
    "The postal address, or null: `lines` (up to 4 of 100 characters, such as street and house), `city`, `region`, `postal_code`, and `country` (ISO 3166-1 alpha-2: `GB`). A request may leave out each part, but not all; a response has all, null or `[]` for one that is missing.",
};
const IDENTIFIER_TAKEN =
  "`identifier_taken`: you already have a patient, `existing`, with an identifier of the identifier system `system`";
const emailTaken = {
  description: `You already have a patient with this email, whose id is \`existing\`, and neither of the two has \`email_shared\`; or a concurrent request was changing this patient: try again. ${IDENTIFIER_TAKEN}.`,
  detail: "You already have a patient with this email.",
  codes: ["email_taken", "identifier_taken"],
} as const;
const notFound = {
  description:
    "There is no patient with this id that you can read. The response is the same whether or not another account has one.",
  detail: "There is no such patient.",
};
const notOwner = {
  description:
    "`not_patient_owner`: you can read this patient but not change it: your account is the own account of an assigned doctor, or you are an admin with emergency access. `clinic_role_required`: your role in the clinic does not allow it.",
  detail: "Only the patient's owner may change or delete it.",
  codes: ["not_patient_owner", "clinic_role_required"],
} as const;
const update = {
  responses: [
    {
      status: 200,
      description: "The patient after the change.",
      schema: Patient,
      example: { ...examplePatient, age: 86, updated_at: "2026-12-09T08:30:00.417Z", version: 2 },
      headers: ["ETag"],
    },
  ],
  problems: { 403: notOwner, 404: notFound, 409: emailTaken, 410: mergedProblem },
} as const;

export const patientsOpenApi: OpenApiGroup = {
  tag: {
    name: "Patients",
    description:
      "The patients of your account. Only the owner can change a patient. The own accounts of its doctors can read it, and so can an admin with emergency access, who must give a reason; that is audited. Nobody else can see it.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(PatientsQuery, {
      ...pageParameterTexts,
      search: searchParameterText,
      email: { description: "Only patients with this email; case is ignored." },
      phone: {
        description:
          "Only patients with this phone number, in any of the forms that a request may have. Encode its `+` as `%2B`.",
      },
      identifier: {
        description:
          "Only patients with this identifier: `mrn:00217`, or `00217` of any system. Case, spaces and hyphens are ignored.",
      },
      gender: { description: `Only patients of this gender: ${genderText}` },
      min_age: { description: "Only patients who may be at least this old today, in whole years." },
      max_age: { description: "Only patients who may be at most this old today, in whole years." },
      born_from: {
        description:
          "Only patients who may have been born on this day or later. Of `1990` or `1990-05`, the first day counts.",
      },
      born_to: {
        description:
          "Only patients who may have been born on this day or earlier. Of `1990` or `1990-05`, the last day counts.",
      },
      doctor: { description: "Only patients that the doctor with this id is assigned to." },
      deleted: { description: "`true`: your deleted patients instead, which can be restored." },
      updated_since: updatedSinceText,
    }),
    ...duplicatesOpenApi.parameters,
    ...importExportOpenApi.parameters,
    ...ownershipOpenApi.parameters,
    ...mergeOpenApi.parameters,
    ...patientAuditOpenApi.parameters,
  ],
  schemas: {
    NewPatient: describeSchema(NewPatient, {
      description: "A new patient.",
      answer: Patient,
      fields: { ...fields, not_duplicate_of: notDuplicateOfText },
      example: exampleNewPatient,
    }),
    PatientChanges: describeSchema(PatientChanges, {
      description: "Changes of a patient. Fields that are left out stay as they are.",
      answer: Patient,
      fields,
      example: { age: 86 },
    }),
    ...duplicatesOpenApi.schemas,
    ...importExportOpenApi.schemas,
    ...ownershipOpenApi.schemas,
    ...mergeOpenApi.schemas,
    ...patientAuditOpenApi.schemas,
    Patient: describeSchema(Patient, {
      description: "A patient.",
      fields: {
        ...fields,
        age: "The lowest possible age today, in whole years, by the birth date or by the age and the day on which it was right.",
        birth_date:
          "The birth date, of which the day, or the month and the day, may be missing. Null when only an age is known.",
        age_as_of: "The day on which the age was said. Null when the birth date is known.",
        ...readOnlyFieldTexts,
        created_by: "The id of the account that created it, and owns it until it is transferred.",
      },
      example: examplePatient,
    }),
  },
  operations: {
    ...duplicatesOpenApi.operations,
    ...importExportOpenApi.operations,
    ...ownershipOpenApi.operations,
    ...mergeOpenApi.operations,
    ...patientAuditOpenApi.operations,
    "GET /api/patients": {
      operationId: "listPatients",
      summary: "List your patients",
      description:
        "Returns a page of your patients. If your account is a doctor's own account, they include the patients assigned to that doctor. Filters can be combined. Of the filters, `email`, `phone`, `search`, and `doctor` with the sort order `id`, use an index: with any other, patients are read in the sort order until the page is full.",
      responses: [{ status: 200, description: "A page of patients.", schema: Patient, list: true }],
    },
    "POST /api/patients": {
      operationId: "createPatient",
      summary: "Create a patient",
      description:
        "Creates a patient that your account owns. If it looks like others of yours, the header `Link` names them, or with `duplicates=refuse` nothing is created. Of two requests at once, neither may see the other's patient.",
      responses: [
        {
          status: 201,
          description: "The patient that was created.",
          schema: Patient,
          headers: ["Location", "ETag", "Idempotency-Replayed", "DuplicateLink"],
        },
      ],
      problems: {
        403: clinicRoleRequired,
        409: {
          ...emailTaken,
          description: `You already have a patient with this email, whose id is \`existing\`, and neither of the two has \`email_shared\`; or you sent this idempotency key before, and cannot read the patient that it created any more. ${IDENTIFIER_TAKEN}. Or, with \`duplicates=refuse\`, the patient looks like others of yours, whose ids are \`duplicates\`.`,
          codes: ["email_taken", "identifier_taken", "possible_duplicate", "replay_unreadable"],
        },
      },
    },
    "GET /api/patients/:id": {
      operationId: "getPatient",
      summary: "Get a patient",
      description:
        "Returns one of your patients. If your account is a doctor's own account, also one that is assigned to that doctor.",
      responses: [
        { status: 200, description: "The patient.", schema: Patient, headers: ["ETag"] },
        notModifiedResponse,
      ],
      problems: { 404: notFound, 410: mergedProblem },
    },
    "PUT /api/patients/:id": {
      operationId: "patchPatientByPut",
      summary: "Change a patient by sending it back",
      description:
        "The same as PATCH, and no replacement: it changes the fields that you send, and those that you leave out stay as they are. You can get a patient, change a field, and send the whole patient back: fields that the API sets itself are ignored.",
      ...update,
    },
    "PATCH /api/patients/:id": {
      operationId: "updatePatient",
      summary: "Change a patient",
      description: "Changes the fields that you send, and no others.",
      ...update,
    },
    "DELETE /api/patients/:id": {
      operationId: "deletePatient",
      summary: "Delete a patient",
      description:
        "Soft-deletes a patient and hides its assignments and appointments. Open appointments are cancelled, and stay cancelled when it is restored. Its email can be used again. The patient can be restored until an admin erases it or an operator purges it.",
      responses: [{ status: 204, description: "The patient was deleted." }],
      problems: { 403: notOwner, 404: notFound, 410: mergedProblem },
    },
  },
};
