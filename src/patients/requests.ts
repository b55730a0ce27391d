import { genders } from "../db/schema.ts";
import { patchBody, readOnlyFields, requestBody, responseFields } from "../http/body-schemas.ts";
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
  rule,
  timestampParam,
} from "../http/fields.ts";
import { defineListQuery, definePageQuery } from "../http/pagination.ts";
import {
  hasNoContact,
  hasNoName,
  removesNames,
  requireChangedName,
  requireContact,
  requireName,
} from "../http/person-rules.ts";
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

/** The highest age that a client may send. A patient can become older. */
const MAX_AGE = 120;
/** The highest age in a response. */
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

const age = integerParam(0, MAX_AGE);

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

/** Of a record that is sent back as it was read: the patient may be older than `MAX_AGE` by now. */
const returnedAge = z.nullable(z.int().check(z.minimum(0), z.maximum(MAX_ANSWERED_AGE)));

export const PatientChanges = patchBody({ ...patientFields, age: returnedAge }, readOnly, [
  ageNotNull,
  ...requireChangedName,
]).check(z.meta({ not: { anyOf: [removesNames, removesAge] } }));

/** A query of one optional parameter, which is `true` or `false`. */
export const defineBooleanQuery = <Name extends string>(name: Name) =>
  strictQuery({ [name]: z.optional(booleanParam) } as Record<Name, z.ZodMiniOptional<typeof booleanParam>>);

/** `bom`: whether an export as CSV begins with a byte order mark, which it does by default. */
export const ExportQuery = defineBooleanQuery("bom");

/** `partial`: whether the valid lines of an import are imported when others are refused. */
export const ImportQuery = defineBooleanQuery("partial");

/** The query of a patient's history and accesses. */
export const PatientAuditQuery = definePageQuery({});
