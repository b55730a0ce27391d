import { inject } from "vitest";
import { requests } from "../requests.ts";
import { type JsonSchema, type Operation, type OperationResponse, resolve } from "../support/openapi.ts";
import { methodOf, type RouteRequest } from "../support/route-requests.ts";
import { fieldsOf } from "./arbitraries.ts";

const document = inject("reference");

/** What the reference says of the route of a request. */
export function operationOf(request: RouteRequest): Operation {
  const pattern = request.route.replace(/^\S+ /, "").replace(/:(\w+)/g, "{$1}");
  const operations = document.paths[pattern] ?? document.paths[`${pattern}/`] ?? {};
  const operation = operations[methodOf(request).toLowerCase()];
  if (!operation) throw new Error(`The reference has no ${request.route}.`);
  return operation;
}

/** The schema of the JSON that a route takes. */
export function bodyOf(request: RouteRequest): JsonSchema | undefined {
  const schema = operationOf(request).requestBody?.content["application/json"]?.schema;
  return schema && resolve<JsonSchema>(document, schema);
}

/** The parameters of a route's query, by their names. */
export function queryOf(request: RouteRequest): Record<string, JsonSchema> {
  const inQuery = operationOf(request).parameters?.filter((parameter) => parameter.in === "query") ?? [];
  return Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema]));
}

/** The fields of what a route answers when all is well. */
function answeredBy(request: RouteRequest): string[] {
  const response = operationOf(request).responses[request.status];
  const content = response && resolve<OperationResponse>(document, response).content;
  const schema = content?.["application/json"]?.schema;
  return schema ? Object.keys(fieldsOf(schema)) : [];
}

/** Ids name something that has to be there: by their largest one they are told from other numbers. */
const isReference = ({ maximum, anyOf = [] }: JsonSchema): boolean =>
  maximum === 2_147_483_647 || (anyOf as JsonSchema[]).some(isReference);

/** What the API itself gave, and answers with another one. */
const given = ["refresh"];

/** The fields of a route's body that may hold whatever is valid, for the answer shows them again. */
export function freeFieldsOf(request: RouteRequest): Record<string, JsonSchema> {
  const answered = answeredBy(request);
  const fields = Object.entries(fieldsOf(bodyOf(request) ?? {}));
  return Object.fromEntries(
    fields.filter(([name, field]) => answered.includes(name) && !given.includes(name) && !isReference(field)),
  );
}

export const withJson = requests.filter(bodyOf);
export const withFreeFields = requests.filter((request) => Object.keys(freeFieldsOf(request)).length > 0);
export const withQuery = requests.filter((request) => Object.keys(queryOf(request)).length > 0);
