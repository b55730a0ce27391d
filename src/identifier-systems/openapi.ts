import {
  idPathParameters,
  notModifiedResponse,
  pageParameterTexts,
  readOnlyFieldTexts,
  requestHeaders,
} from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { IdentifierSystemChanges, IdentifierSystemsQuery, NewIdentifierSystem } from "./requests.ts";
import { IdentifierSystem } from "./responses.ts";

const exampleNewSystem = {
  name: "nhs",
  uri: "https://fhir.nhs.uk/Id/nhs-number",
  pattern: "\\d{10}",
  check_digit: "mod11",
} as const;
const exampleSystem = {
  id: 2,
  ...exampleNewSystem,
  created_by: 1,
  created_at: "2026-09-06T09:45:06.922Z",
  updated_at: "2026-09-06T09:45:06.922Z",
  version: 1,
};
const fields = {
  name: "The name that identifiers refer to, 1 to 32 lower-case letters, digits and hyphens. It is unique.",
  uri: "What the system is called elsewhere, such as in FHIR: an absolute URI. Null if there is none.",
  pattern:
    "What a value looks like in upper case, without spaces and hyphens: a sequence of `\\d`, `[A-Z]`, `[A-Z0-9]` and literals (A to Z, 0 to 9, `/` `:` `_` `#` and `\\.`), each with an optional `{n}` or `{n,m}`. It applies to the whole value, and matches at most 64 characters. Null if any value is valid. When it changes, values that patients have already stay valid until they change.",
  check_digit:
    "How the check digits of a value are computed: `none`; `mod10` by Luhn's algorithm; `mod11` over ten places with the weights 10 to 1, where X is 10; `mod97` by ISO 7064 MOD 97-10.",
};
const notAdmin = (detail: string) =>
  ({ description: "You are not an admin.", detail, codes: ["admin_required"] }) as const;
const notFound = {
  description: "There is no such identifier system.",
  detail: "There is no such identifier system.",
};
const nameTaken = {
  description: "There is an identifier system with this name already, whose id is `existing`.",
  detail: "There is an identifier system with this name already.",
  codes: ["identifier_system_taken"],
} as const;

export const identifierSystemsOpenApi: OpenApiGroup = {
  tag: {
    name: "Identifier systems",
    description:
      "Whose numbers patients can have as identifiers, such as a hospital's record number or a number of the national health service. Every account can see them; admins change them.",
  },
  parameters: [
    idPathParameters,
    ...requestHeaders,
    describeParameters(IdentifierSystemsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: { description: "`id`, or `-id` for the newest first." },
    }),
  ],
  schemas: {
    NewIdentifierSystem: describeSchema(NewIdentifierSystem, {
      description: "A new identifier system.",
      answer: IdentifierSystem,
      fields: { ...fields, check_digit: `${fields.check_digit} \`none\` if it is left out.` },
      example: exampleNewSystem,
    }),
    IdentifierSystemChanges: describeSchema(IdentifierSystemChanges, {
      description: "Changes of an identifier system. Fields that are left out stay as they are.",
      answer: IdentifierSystem,
      fields,
      example: { pattern: "\\d{9,10}" },
    }),
    IdentifierSystem: describeSchema(IdentifierSystem, {
      description: "An identifier system.",
      fields: { ...fields, ...readOnlyFieldTexts },
      example: exampleSystem,
    }),
  },
  operations: {
    "GET /api/identifier-systems": {
      operationId: "listIdentifierSystems",
      summary: "List identifier systems",
      description: "Returns a page of all identifier systems.",
      responses: [
        { status: 200, description: "A page of identifier systems.", schema: IdentifierSystem, list: true },
      ],
    },
    "POST /api/identifier-systems": {
      operationId: "createIdentifierSystem",
      summary: "Create an identifier system",
      description: "For admins. Creates an identifier system, which all patients can have identifiers of.",
      responses: [
        {
          status: 201,
          description: "The identifier system that was created.",
          schema: IdentifierSystem,
          headers: ["Location", "ETag", "Idempotency-Replayed"],
        },
      ],
      problems: {
        403: notAdmin("Only an admin may create identifier systems."),
        409: { ...nameTaken, codes: ["identifier_system_taken", "replay_unreadable"] },
      },
    },
    "GET /api/identifier-systems/:id": {
      operationId: "getIdentifierSystem",
      summary: "Get an identifier system",
      description: "Returns one identifier system.",
      responses: [
        { status: 200, description: "The identifier system.", schema: IdentifierSystem, headers: ["ETag"] },
        notModifiedResponse,
      ],
      problems: { 404: notFound },
    },
    "PATCH /api/identifier-systems/:id": {
      operationId: "updateIdentifierSystem",
      summary: "Change an identifier system",
      description: "For admins. Changes the fields that you send, and no others.",
      responses: [
        {
          status: 200,
          description: "The identifier system after the change.",
          schema: IdentifierSystem,
          example: {
            ...exampleSystem,
            pattern: "\\d{9,10}",
            updated_at: "2026-12-09T08:30:00.417Z",
            version: 2,
          },
          headers: ["ETag"],
        },
      ],
      problems: {
        403: notAdmin("Only an admin may change or delete it."),
        404: notFound,
        409: {
          ...nameTaken,
          description:
            "`identifier_system_taken`: there is an identifier system with this name already, `existing`. `identifier_system_used`: patients have identifiers of this system, so it keeps its name.",
          codes: ["identifier_system_taken", "identifier_system_used"],
        },
      },
    },
  },
};
