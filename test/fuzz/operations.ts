import { inject } from "vitest";
import { routeRequests } from "../requests.ts";
import {
  type JsonSchema,
  type Operation,
  type OperationResponse,
  operationOfRoute,
  resolveReference,
} from "../support/openapi.ts";
import type { RouteRequest } from "../support/route-requests.ts";
import { fieldsOf } from "./arbitraries.ts";

const document = inject("openApiDocument");

/** The operation of a route in the OpenAPI document. */
export function operationOf(request: RouteRequest): Operation {
  const operation = operationOfRoute(document, request.route);
  if (!operation) throw new Error(`The OpenAPI document has no ${request.route}.`);
  return operation;
}

/** The schema of a route's JSON request body. */
export function bodyOf(request: RouteRequest): JsonSchema | undefined {
  const schema = operationOf(request).requestBody?.content["application/json"]?.schema;
  return schema && resolveReference<JsonSchema>(document, schema);
}

/** The query parameters of a route, by name. */
export function queryOf(request: RouteRequest): Record<string, JsonSchema> {
  const inQuery = operationOf(request).parameters?.filter((parameter) => parameter.in === "query") ?? [];
  return Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema]));
}

/** The names of the fields in a route's successful response. */
function responseFieldsOf(request: RouteRequest): string[] {
  const response = operationOf(request).responses[request.status];
  const content = response && resolveReference<OperationResponse>(document, response).content;
  const schema = content?.["application/json"]?.schema;
  return schema ? Object.keys(fieldsOf(schema)) : [];
}

/** Whether a field is an id, which must exist. Its maximum distinguishes it from other numbers. */
const isReference = ({ maximum, anyOf = [] }: JsonSchema): boolean =>
  maximum === 2_147_483_647 || (anyOf as JsonSchema[]).some(isReference);

/** Fields whose value the API issued, and the response has a new one; and those that name records that must exist. */
const issuedFields = ["refresh", "identifiers"];

/** The body's fields that can have any valid value and are in the response too. */
export function freeFieldsOf(request: RouteRequest): Record<string, JsonSchema> {
  const returnedFields = responseFieldsOf(request);
  const fields = Object.entries(fieldsOf(bodyOf(request) ?? {}));
  // The username of an account that must exist, in place of its id.
  const namesAccount = fields.some(([name]) => name === "account");
  return Object.fromEntries(
    fields.filter(
      ([name, field]) =>
        returnedFields.includes(name) &&
        !issuedFields.includes(name) &&
        !(name === "username" && namesAccount) &&
        !isReference(field) &&
        // Any other value than the record's is an error.
        !String(field["description"]).startsWith("Read-only."),
    ),
  );
}

export const withJson = routeRequests.filter(bodyOf);
export const withFreeFields = routeRequests.filter(
  (request) => Object.keys(freeFieldsOf(request)).length > 0,
);
export const withQuery = routeRequests.filter((request) => Object.keys(queryOf(request)).length > 0);
