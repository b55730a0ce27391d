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

/** The columns that an import must have. A file from before there were others is imported as ever. */
export const requiredColumns = ["firstname", "lastname", "email", "age", "gender"];

/** The columns that an import may have too. */
export const optionalColumns = ["email_shared", "anonymous", "phones", ...Object.keys(addressColumns)];
