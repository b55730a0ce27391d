import { grace, patient } from "../../openapi/people.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { ImportQuery } from "./requests.ts";
import { ImportResult } from "./responses.ts";

const csvHead = "firstname,lastname,email,age,gender";
const csvLine = '"Grace","Hopper","grace@example.org",85,"F"';
const lines = { type: "string", description: "A patient a line, as JSON." };
const table = { type: "string", description: "A header and a patient a line, as RFC 4180 has it, in UTF-8." };

/** Many patients at once. */
export const moving: OpenApiGroup["operations"] = {
  "GET /api/patients/export": {
    operationId: "exportPatients",
    summary: "Export your patients",
    description:
      "All your patients, streamed. One that is made or changed meanwhile may be in it or not. When the database fails on the way, the connection breaks: an answer that ends as it should is whole. In CSV a text that a spreadsheet would take for a formula has an apostrophe before it, which an import takes away again.",
    answers: [
      {
        status: 200,
        description: "The patients, in order of `id`.",
        content: {
          "application/x-ndjson": { schema: lines, example: `${JSON.stringify(patient)}\n` },
          "text/csv": {
            schema: table,
            example: `${Object.keys(patient).join()}\r\n7,${csvLine},12,${patient.created_at},${patient.updated_at}\r\n`,
          },
        },
      },
    ],
    problems: {
      406: {
        when: "`Accept` takes neither of the two.",
        detail: "This is available as application/x-ndjson or text/csv.",
      },
    },
  },
  "POST /api/patients/import": {
    operationId: "importPatients",
    summary: "Import patients",
    description:
      "Makes patients of a file of up to 1,000 records and 1 MiB: all of them or none, or with `partial=true` those that are valid. The columns of CSV are named in its first line; those that the API sets itself may be there, and are ignored.",
    content: {
      "application/x-ndjson": { schema: lines, example: `${JSON.stringify(grace)}\n` },
      "text/csv": { schema: table, example: `${csvHead}\r\n${csvLine}\r\n` },
    },
    answers: [
      { status: 201, description: "All were made.", schema: ImportResult, headers: ["Idempotency-Replayed"] },
      {
        status: 200,
        description: "With `partial=true`: what became of each line.",
        schema: ImportResult,
        headers: ["Idempotency-Replayed"],
      },
    ],
    problems: {
      400: {
        when: "A line is not valid, or its email is taken, and nothing was made: `errors` names the line and the field, as `3.email`.",
      },
      409: {
        when: "Another request took one of the emails meanwhile, and nothing was made: try again.",
        detail: "You already have a patient with this email.",
      },
      413: {
        when: "The file has more than 1,000 records or 1 MiB.",
        detail: "The file has more than 1000 records.",
      },
      415: {
        when: "The body does not say that it is one of the two, in UTF-8.",
        detail: "The body must be application/x-ndjson or text/csv, in UTF-8.",
      },
    },
  },
};

/** What an import answers. */
export const importedWords = describeSchema(ImportResult, {
  description: "What came of an import, by the lines of the file, which count from 1 as in an editor.",
  fields: {
    created: "The lines that became patients, and the ids of these.",
    refused: "The lines that did not, and what is wrong with each of their fields.",
  },
  example: {
    created: [{ line: 2, id: 7 }],
    refused: [{ line: 3, errors: { email: ["You already have a patient with this email."] } }],
  },
});

export const importParameters = describeParameters(ImportQuery, {
  partial: {
    description: "With `true` the lines that are valid are taken, and the others are said to be refused.",
  },
});
