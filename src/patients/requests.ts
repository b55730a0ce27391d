import { genders } from "../db/schema.ts";
import {
  bodyRule,
  hasFields,
  patchBody,
  readOnlyFields,
  requestBody,
  responseFields,
} from "../http/body-schemas.ts";
import { addressField, phoneParam, phonesField } from "../http/contact-fields.ts";
import {
  booleanParam,
  emailField,
  idParam,
  idSchema,
  integerParam,
  makeOptional,
  nameSearch,
  personName,
  reasonField,
  rule,
  timestampParam,
} from "../http/fields.ts";
import { IdempotencyKey } from "../http/idempotency.ts";
import { defineListQuery, definePageQuery } from "../http/pagination.ts";
import {
  hasNoContact,
  hasNoName,
  removesNames,
  requireChangedName,
  requireContact,
  requireName,
} from "../http/person-rules.ts";
import { expectedVersion, WritePreconditions } from "../http/preconditions.ts";
import { strictQuery } from "../http/query.ts";
import * as z from "../zod.ts";
import {
  ageNotNull,
  birthDate,
  birthRequired,
  firstDay,
  hasNoBirth,
  lastDay,
  removesAge,
} from "./birth-date.ts";
import { identifierParam, identifiersField } from "./identifier-fields.ts";

/** When it is said; a patient may become older. */
const MAX_AGE = 120;
export const MAX_ANSWERED_AGE = 150;

/** The fields that a client writes. */
export const patientFields = {
  firstname: personName,
  lastname: personName,
  email: z.nullable(emailField(128)),
  age: z.nullable(z.int().check(z.minimum(0), z.maximum(MAX_AGE))),
  gender: z.enum(genders),
  birth_date: z.nullable(birthDate),
  /** Whether other patients of the same owner may have the same email. */
  email_shared: z.boolean(),
  /** Whether the patient may have no contact, as in an emergency. */
  anonymous: z.boolean(),
  phones: phonesField,
  address: addressField,
  identifiers: identifiersField,
};

const readOnly = ["age_as_of", ...readOnlyFields];

/** The fields of a response, in this order. */
export const patientResponseFields = responseFields(patientFields).flatMap((name) =>
  name === "birth_date" ? [name, "age_as_of"] : name,
);

/** The columns that a client's fields are stored in. */
export const patientColumns = [...Object.keys(patientFields), "age_as_of"];

const age = integerParam(0, 120);

export const PatientsQuery = defineListQuery(
  {
    search: nameSearch,
    email: emailField(128),
    phone: phoneParam,
    identifier: identifierParam,
    gender: patientFields.gender,
    min_age: age,
    max_age: age,
    born_from: firstDay,
    born_to: lastDay,
    doctor: idParam,
    deleted: booleanParam,
    updated_since: timestampParam,
  },
  ["id", "lastname", "created_at", "updated_at"],
).check(
  // "Not greater" instead of "at most", so that it holds when one of them is missing or not a number.
  rule(
    ({ min_age, max_age }) => !(Number(min_age) > Number(max_age)),
    "too_small",
    "Must not be less than min_age",
    "max_age",
  ),
  rule(
    ({ born_from, born_to }) => !(born_from && born_to && born_from > born_to),
    "too_small",
    "Must not be before born_from",
    "born_to",
  ),
);

/** The fields that are left out get their values from the statement. */
const newPatientFields = { ...makeOptional(patientFields), gender: patientFields.gender };
const newPatientRules = [birthRequired, ...requireName, ...requireContact];
const newPatientMeta = z.meta({ not: { anyOf: [hasNoName, hasNoContact, hasNoBirth] } });

/** A patient of an import, which looks for no duplicates. */
export const ImportedPatient = requestBody(newPatientFields, readOnly, newPatientRules).check(newPatientMeta);

/** How many patients a new one can be told apart from. */
const MAX_NOT_DUPLICATE_OF = 20;

export const NewPatient = requestBody(
  {
    ...newPatientFields,
    /** Patients that it looks like and that are others. */
    not_duplicate_of: z.optional(z.array(idSchema).check(z.maxLength(MAX_NOT_DUPLICATE_OF))),
  },
  readOnly,
  newPatientRules,
).check(newPatientMeta);

/** `duplicates`: whether a new patient that looks like another of yours is created (the default) or refused. */
export const CreationQuery = z.lazy(() =>
  strictQuery({ duplicates: z.optional(z.enum(["allow", "refuse"])) }),
);

/** The age can be one that the record has today, when it is sent back. */
const returnedAge = z.nullable(z.int().check(z.minimum(0), z.maximum(MAX_ANSWERED_AGE)));

export const PatientChanges = patchBody({ ...patientFields, age: returnedAge }, readOnly, [
  ageNotNull,
  ...requireChangedName,
]).check(z.meta({ not: { anyOf: [removesNames, removesAge] } }));

/** A query of one optional parameter, which is `true` or `false`. */
const defineBooleanQuery = <Name extends string>(name: Name) =>
  strictQuery({ [name]: z.optional(booleanParam) } as Record<Name, z.ZodMiniOptional<typeof booleanParam>>);

/** `bom`: whether an export as CSV begins with a byte order mark, which it does by default. */
export const ExportQuery = defineBooleanQuery("bom");

/** `partial`: whether the valid lines of an import are imported when others are refused. */
export const ImportQuery = defineBooleanQuery("partial");

/** The query of a patient's history and accesses. */
export const PatientAuditQuery = definePageQuery({});

/** `partial`: whether a patient is restored without the assignments whose doctors were deleted. */
export const RestoreQuery = defineBooleanQuery("partial");

/** Who gets patients, or has them: the id of an account, for its personal clinic, or `{clinic}`. */
const accountOrClinic = z.union([idSchema, z.strictObject({ clinic: idSchema })], {
  error: ({ input }) =>
    input === undefined ? "Required" : 'Must be the id of an account, or {"clinic": id}',
});
export type AccountOrClinic = z.infer<typeof accountOrClinic>;

/** The id of the clinic that is meant. A personal one has the id of its account. */
export const clinicIdOf = (one: AccountOrClinic): number => (typeof one === "number" ? one : one.clinic);

/** Where a patient is transferred to, and why. The statement decides whether the reason may be left out. */
export const TransferTarget = requestBody({ to: accountOrClinic, reason: z.optional(reasonField) });

/** How many patients one request transfers. */
export const MAX_TRANSFERRED = 1000;

/** In JSON Schema: a body without `from` and `patients`. */
const hasNoSource = { properties: { from: { type: "null" }, patients: { type: "null" } } };

/** Whose patients are transferred, or which ones, who gets them, and why. */
export const AccountTransfer = requestBody(
  {
    from: z.optional(accountOrClinic),
    patients: z.optional(z.array(idSchema).check(z.minLength(1), z.maxLength(MAX_TRANSFERRED))),
    to: accountOrClinic,
    reason: z.optional(reasonField),
  },
  [],
  [
    bodyRule<TransferSource>(
      ({ from, patients }) => from !== undefined || patients !== undefined,
      "required",
      "Required, unless patients is sent",
      "from",
    ),
    bodyRule<TransferSource>(
      ({ from, patients }) => from === undefined || patients === undefined,
      "invalid_value",
      "Must not be sent together with from",
      "patients",
    ),
  ],
).check(
  rule(
    ({ from, to }) => from === undefined || clinicIdOf(from) !== clinicIdOf(to),
    "same_account",
    "Must be another account or clinic",
    "to",
  ),
  z.meta({ not: { anyOf: [hasNoSource, hasFields("from", "patients")] } }),
);
type TransferSource = { from?: unknown; patients?: unknown };

/** The fields that a merge can take from the merged patient. */
const mergeFields = Object.keys(patientFields).filter((name) => name !== "email_shared");

/** What a field has to be taken together with: an email is shared or not, and a patient has a birth date or an age. */
const fieldsTakenWith: Record<string, string[]> = {
  email: ["email_shared"],
  birth_date: ["age", "age_as_of"],
  age: ["birth_date", "age_as_of"],
};

/** The columns that a merge takes. */
export const columnsTaken = (take: string[]): string[] =>
  take
    .flatMap((field) => [field, ...(fieldsTakenWith[field] ?? [])])
    .filter((name) => patientColumns.includes(name));

/** The headers of a merge. */
export const MergeHeaders = z.object({ ...WritePreconditions.shape, ...IdempotencyKey.shape });

/** The patient that another one is merged into, and what that one takes from it. */
export const PatientMerge = requestBody({
  into: idSchema,
  take: z.optional(z.array(z.enum(mergeFields)).check(z.maxLength(mergeFields.length))),
  if_match: z.optional(expectedVersion),
});
/** Why a deleted patient is erased. */
export const ErasureReason = requestBody({ reason: reasonField });

/** Why an admin needs emergency access to a patient. */
export const EmergencyAccessReason = requestBody({ reason: reasonField });
