import { alternativesMissing } from "./person-rules.ts";
import type { FieldErrorCode } from "./problem-codes.ts";
import { type FieldErrors, validationProblem } from "./problems.ts";

/** Why a statement refuses fields of a record, by path: `{"age": "age_disagrees"}`. Null when it refuses none. */
type DatabaseFieldErrors = Record<string, string> | null;

/** The messages of the errors that statements find. */
const messages = {
  required: "Required",
  too_big: "Too big: expected a number to be <=120",
  in_the_future: "Must not be in the future",
  too_long_ago: "Must be at most 120 years ago",
  age_disagrees: "Disagrees with the birth date",
  birth_date_known: "A birth date can be replaced, but not removed",
  email_taken: "You already have a patient with this email.",
  email_repeated: "An earlier line has this email.",
  no_such_record: "There is no such identifier system.",
  invalid_format: "Does not match the pattern of the identifier system.",
  invalid_check_digit: "The check digit is wrong.",
  identifier_repeated: "An earlier identifier or line of the file is the same.",
  identifier_taken: "You already have a patient with this identifier.",
} satisfies Partial<Record<FieldErrorCode, string>>;

/** The messages by code, as a parameter of a statement that writes them into its response. */
export const databaseFieldMessages = JSON.stringify(messages);

/** @throws {Problem} 400 that names the fields which a statement has refused */
export function requireValidFields(errors: DatabaseFieldErrors | undefined): void {
  if (!errors) return;
  const fieldErrors: FieldErrors = {};
  for (const [field, name] of Object.entries(errors)) {
    const code = name as keyof typeof messages;
    // Of several fields that are required, one is enough.
    const message = (name === "required" && alternativesMissing[field]) || messages[code];
    fieldErrors[field] = [{ code, message }];
  }
  throw validationProblem(fieldErrors);
}
