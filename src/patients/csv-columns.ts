import { patientResponseFields } from "./requests.ts";

// The columns of a CSV file of patients. An address is one field in JSON, and a column for each of its parts in CSV.

/** The columns of an address, with the parts that they hold. */
export const addressColumns = {
  address_lines: "lines",
  address_city: "city",
  address_region: "region",
  address_postal_code: "postal_code",
  address_country: "country",
} as const;

/** The columns of an export, in this order. */
export const exportedColumns = patientResponseFields.flatMap((name) =>
  name === "address" ? Object.keys(addressColumns) : [name],
);

/**
 * The columns that a header needs; one of each group is enough. A file that was made before there were others is still
 * accepted.
 */
export const requiredColumns = [["firstname"], ["lastname"], ["email"], ["age", "birth_date"], ["gender"]];
/** The groups that have no column among these. */
export const missingGroups = (columns: string[]): string[][] =>
  requiredColumns.filter((group) => !group.some((name) => columns.includes(name)));

const contactColumns = ["email_shared", "anonymous", "phones", "identifiers", ...Object.keys(addressColumns)];
/** A column of an import that is not required, but whose cell must not be cut off. */
export const isContactColumn = (name: string): boolean => contactColumns.includes(name);
