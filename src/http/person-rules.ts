import type { TargetState } from "../db/query/resource.ts";
import * as z from "../zod.ts";
import { type FieldErrors, validationProblem } from "./problems.ts";

// Rules about several fields of a patient or a doctor. The Worker checks them in a new record. In a change the database
// does, because they are about the whole record.

/** Fields of which at least one must be there. Each of them gets the error. */
interface AlternativeFields {
  fields: readonly string[];
  message: string;
}

/** A person has a first or a last name. */
export const nameAlternatives: AlternativeFields = {
  fields: ["firstname", "lastname"],
  message: "Required: a first name, a last name or both",
};

/** A patient can be reached or identified, or is known to be anonymous. */
export const contactAlternatives: AlternativeFields = {
  fields: ["email", "phones", "anonymous"],
  message: "Required: an email, a phone number, or anonymous: true",
};

/** The errors of a record that has none of the fields. */
const alternativesMissing = ({ fields, message }: AlternativeFields): FieldErrors =>
  Object.fromEntries(fields.map((field) => [field, [{ code: "required" as const, message }]]));

/** @throws {Problem} 400 when the changed record would have no name, or no contact */
export function requireCompleteRecord({ hasName, hasContact }: TargetState): void {
  const errors = {
    ...(hasName === false && alternativesMissing(nameAlternatives)),
    ...(hasContact === false && alternativesMissing(contactAlternatives)),
  };
  if (Object.keys(errors).length > 0) throw validationProblem(errors);
}

/** A rule of a body: the record has one of the fields. */
const requireAlternative = <Value>(
  { fields, message }: AlternativeFields,
  hasOne: (value: Value) => boolean,
) =>
  z.check<Value>(({ value, issues }) => {
    if (hasOne(value)) return;
    const issue = {
      code: "custom",
      params: { code: "required" },
      message,
      input: value,
      continue: true,
    } as const;
    for (const field of fields) issues.push({ ...issue, path: [field] });
  });

interface Names {
  firstname?: string | undefined;
  lastname?: string | undefined;
}
interface Contacts {
  email?: string | null | undefined;
  phones?: string[] | undefined;
  anonymous?: boolean | undefined;
}

/** The rule for the names of a new record. */
export const requireName = requireAlternative<Names>(nameAlternatives, ({ firstname, lastname }) =>
  Boolean(firstname || lastname),
);

/** The rule for the names of a change: if both are sent, one of them is there. The database checks the rest. */
export const requireChangedName = requireAlternative<Names>(
  nameAlternatives,
  ({ firstname, lastname }) => firstname !== "" || lastname !== "",
);

/** The rule for the contacts of a new patient. */
export const requireContact = requireAlternative<Contacts>(
  contactAlternatives,
  ({ email, phones = [], anonymous }) => Boolean(email || phones.length > 0 || anonymous),
);

// The same rules in JSON Schema: what a body must not be.

const BLANK = { pattern: "^\\s*$" };
const noName = { properties: { firstname: BLANK, lastname: BLANK } };
const noContact = {
  properties: { email: { type: "null" }, phones: { maxItems: 0 }, anonymous: { const: false } },
};

/** Of a new record. */
export const nameMeta = z.meta({ not: noName });
/** Of a change. */
export const changedNameMeta = z.meta({ not: { ...noName, required: ["firstname", "lastname"] } });
/** Of a new patient. */
export const nameAndContactMeta = z.meta({ not: { anyOf: [noName, noContact] } });
