import { clinicRoleRequired } from "../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../http/openapi.ts";
import { exportedColumns } from "./csv-columns.ts";
import { exampleNewPatient, examplePatient } from "./examples-openapi.ts";
import { ExportQuery, ImportQuery } from "./requests.ts";
import { ImportResult } from "./responses.ts";

const csvHeader = "firstname,lastname,email,age,gender";
const csvRow = '"Grace","Hopper","grace@example.org",85,"F"';
/** The other columns of an export. An apostrophe stands before what a spreadsheet would run as a formula. */
const furtherCells = `false,false,"'+12025550143","1 Chapel Street","New Haven","CT","06510","US","mrn:00217"`;
const ndjson = { type: "string", description: "One patient per line, as JSON." };
const csv = { type: "string", description: "CSV (RFC 4180) in UTF-8: a header and one patient per line." };
const importedCsv = {
  type: "string",
  description:
    "CSV in UTF-8, or in UTF-16 with a byte order mark: a header and one patient per line. Commas, semicolons or tabs separate the cells.",
};

/** Generated clients take a file or a `Blob` for it, and send that unchanged. */
const file = { format: "binary" };

/** Export and import of many patients. */
export const importExportOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(ExportQuery, {
      bom: {
        description:
          "`false`: leave out the byte order mark at the start of CSV. Excel needs it to read the file as UTF-8. NDJSON has none.",
      },
    }),
    describeParameters(ImportQuery, {
      partial: {
        description: "`true`: import the valid lines, and report the others as refused.",
      },
    }),
  ],
  schemas: {
    Imported: describeSchema(ImportResult, {
      description: "The result of an import, by line number. Lines count from 1, as in an editor.",
      fields: {
        created: "The lines that were imported, with the ids of the new patients.",
        refused:
          "The lines that were not imported, with the messages and the codes of their fields, in the same order.",
      },
      example: {
        created: [{ line: 2, id: 7 }],
        refused: [
          {
            line: 3,
            errors: { email: ["You already have a patient with this email."] },
            error_codes: { email: ["email_taken"] },
          },
        ],
      },
    }),
  },
  operations: {
    "GET /api/patients/export": {
      operationId: "exportPatients",
      summary: "Export your patients",
      description:
        "Streams all your patients. A patient that is created or changed during the export may be missing or have its old values. If the database fails during the export, the connection breaks: a response that ends normally is complete. CSV begins with a byte order mark, unless `bom=false`. In CSV, `; ` separates the `phones` and the `identifiers` (`mrn:00217; nhs:9434765919`), and an address has a column for each of its parts. A text that a spreadsheet would run as a formula gets an apostrophe in front, which an import removes. `HEAD` returns the headers alone and reads nothing: it does not tell whether the token was revoked.",
      responses: [
        {
          status: 200,
          description: "The patients, sorted by `id`.",
          headers: ["Content-Disposition"],
          content: {
            "text/csv": {
              schema: csv,
              example: `${exportedColumns.join()}\r\n7,${csvRow},${furtherCells},12,${examplePatient.created_at},${examplePatient.updated_at},${examplePatient.version}\r\n`,
            },
            "application/x-ndjson": { schema: ndjson, example: `${JSON.stringify(examplePatient)}\n` },
          },
        },
      ],
      problems: {
        403: clinicRoleRequired,
        406: {
          description: "`Accept` allows neither of the two media types.",
          detail: "This is available as application/x-ndjson or text/csv.",
          codes: ["not_acceptable"],
        },
      },
    },
    "POST /api/patients/import": {
      operationId: "importPatients",
      summary: "Import patients",
      description:
        "Creates patients from a file of up to 1,000 records and 1 MiB: all or none of them, or with `partial=true` those that are valid. A line of NDJSON has at most 64 fields and 65,536 characters, a record of CSV at most 64 cells of at most 8,192 characters. The first line of a CSV file names the columns, in any case and with or without spaces and punctuation: `First name`. The columns `firstname`, `lastname`, `email`, `age` and `gender` are required, their cells only as far as the fields are. `email_shared`, `anonymous`, `phones`, `identifiers`, `address_lines`, `address_city`, `address_region`, `address_postal_code` and `address_country` may be there too. Columns that the API sets itself are allowed and ignored, and so are blank rows and blank columns without a name. In CSV, `gender` may also be `female`, `male`, `other` or `unknown`, in any case, and `age` may have a fraction of zeros: `47.0` or `47,0`. `email_shared` and `anonymous` may be `true` or `false`, `yes` or `no`; semicolons separate the `phones` and the `identifiers`, which are the name of an identifier system, a colon and a value, and line breaks the `address_lines`. An empty cell is a field that is left out. Errors name a column by its number, `1.column_3`, and never repeat a cell.",
      content: {
        // First, because generators take the first one, and send text as it is; NDJSON they would send as a JSON string.
        "text/csv": { schema: { ...importedCsv, ...file }, example: `${csvHeader}\r\n${csvRow}\r\n` },
        "application/x-ndjson": {
          schema: { ...ndjson, ...file },
          example: `${JSON.stringify(exampleNewPatient)}\n`,
        },
      },
      responses: [
        {
          status: 201,
          description: "All patients were created.",
          schema: ImportResult,
          headers: ["Idempotency-Replayed"],
        },
        {
          status: 200,
          description: "With `partial=true`: the result of each line.",
          schema: ImportResult,
          headers: ["Idempotency-Replayed"],
        },
      ],
      problems: {
        400: {
          description:
            "A line is not valid, or its email or an identifier is taken, and nothing was created. `errors` names the line and the field, for example `3.email`. Or the file has no header, or is not UTF-8.",
          codes: ["body_missing", "invalid_utf8", "no_records"],
        },
        403: clinicRoleRequired,
        409: {
          description:
            "A concurrent request took one of the emails or identifiers, and nothing was created: try again. Or you sent this idempotency key before, and cannot read all patients that it created any more.",
          codes: ["replay_unreadable"],
        },
        413: {
          description: "The file has more than 1,000 records or is larger than 1 MiB.",
          detail: "The file has more than 1000 records.",
          codes: ["too_many_records", "body_too_large"],
        },
        415: {
          description:
            "The `Content-Type` is neither of the two media types, or its `charset` is not UTF-8, or the body has a `Content-Encoding` other than `identity`.",
          detail: "The body must be application/x-ndjson or text/csv, in UTF-8.",
          codes: ["unsupported_media_type", "unsupported_content_encoding"],
        },
      },
    },
  },
};
