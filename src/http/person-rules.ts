import { bodyRule } from "./body-schemas.ts";

// Rules about several fields of a patient or a doctor. The Worker checks them in a new record. In a change the database
// does, because they are about the whole record.

/** Fields of which at least one must be there. */
interface AlternativeFields {
  /** Those that get the error. */
  fields: readonly string[];
  message: string;
}

/** A person has a first or a last name. */
const nameAlternatives: AlternativeFields = {
  fields: ["firstname", "lastname"],
  message: "Required: a first name, a last name or both",
};

/** A patient can be reached or identified, or is known to be anonymous. */
const contactAlternatives: AlternativeFields = {
  fields: ["email"],
  message: "Required: an email, a phone number, an identifier, or anonymous: true",
};

/** The messages of a record that would have none of them, by field. */
export const alternativesMissing: Record<string, string> = Object.fromEntries(
  [nameAlternatives, contactAlternatives].flatMap(({ fields, message }) =>
    fields.map((field) => [field, message]),
  ),
);

/** The rules of a body, one for each of the fields: the record has one of them. */
function requireAlternative<Value extends object>(
  { fields, message }: AlternativeFields,
  hasOne: (value: Value) => boolean,
) {
  return fields.map((field) => bodyRule<Value>(hasOne, "required", message, field));
}

interface Names {
  firstname?: string | undefined;
  lastname?: string | undefined;
}
interface Contacts {
  email?: string | null | undefined;
  phones?: string[] | undefined;
  identifiers?: object[] | undefined;
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

const isFilled = (list: unknown): boolean => !Array.isArray(list) || list.length > 0;

/** The rule for the contacts of a new patient. It is checked also when one of them is not valid: then it counts. */
export const requireContact = requireAlternative<Contacts>(
  contactAlternatives,
  ({ email, phones = [], identifiers = [], anonymous }) =>
    Boolean(email || anonymous) || isFilled(phones) || isFilled(identifiers),
);

// The same rules in JSON Schema: what a body must not be, for `z.meta({ not })`.

const BLANK = { pattern: "^\\s*$" };
/** A new record. */
export const hasNoName = { properties: { firstname: BLANK, lastname: BLANK } };
/** A change. */
export const removesNames = { ...hasNoName, required: ["firstname", "lastname"] };
/** A new patient. */
export const hasNoContact = {
  properties: {
    email: { type: "null" },
    phones: { maxItems: 0 },
    identifiers: { maxItems: 0 },
    anonymous: { const: false },
  },
};
