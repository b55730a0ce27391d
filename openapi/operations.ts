import { IdempotencyKey } from "../src/http/idempotency.ts";
import {
  type DescribedSchema,
  type JsonSchema,
  type OpenApiGroup,
  type OperationDescription,
  type ResponseDescription,
  referenceTo,
} from "../src/http/openapi.ts";
import { MAX_LIMIT } from "../src/http/pagination.ts";
import { OptionalPreconditions, ReadPreconditions, WritePreconditions } from "../src/http/preconditions.ts";
import { type ProblemCode, problemStatuses } from "../src/http/problem-codes.ts";
import { MergeHeaders } from "../src/patients/merge/requests.ts";
import type * as z from "../src/zod.ts";
import { deprecationHeaders, headerReferences } from "./headers.ts";
import { accessTokenCodes } from "./problem-statuses.ts";
import { operationProblem } from "./problems.ts";
import type { Route } from "./routes.ts";
import { buildParameters } from "./schemas.ts";

/** Builds the OpenAPI operation of a route. @throws when a part of it has no description */
export function buildOperation(route: Route, texts: OperationDescription, group: OpenApiGroup): JsonSchema {
  const { operationId, summary, description, deprecated } = texts;
  const parameters = operationParameters(route, texts, group);
  const requestBody = buildRequestBody(route, texts, group);
  return {
    operationId,
    summary,
    description,
    tags: [group.tag.name],
    ...(deprecated ? { deprecated } : {}),
    security: route.isAuthenticated ? [{ bearer: [] }] : [],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: buildResponses(route, texts, group),
  };
}

/** Where OpenAPI puts the parameters of each part of a request. */
const places = { param: "path", query: "query", header: "header" } as const;

function operationParameters(
  { schemas }: Route,
  texts: OperationDescription,
  group: OpenApiGroup,
): JsonSchema[] {
  return Object.entries(places).flatMap(([part, place]) => {
    const schema = schemas[part];
    return schema ? buildParameters(place, schema, group.parameters, texts.parameters) : [];
  });
}

function buildRequestBody(
  { schemas }: Route,
  { content }: OperationDescription,
  group: OpenApiGroup,
): JsonSchema | undefined {
  const json = schemas["json"] && { "application/json": jsonContent(schemas["json"], group) };
  return json || content ? { required: true, content: { ...json, ...content } } : undefined;
}

/** A JSON body: one of the group's named schemas, or a list of them. */
function jsonContent(
  schema: z.ZodMiniType,
  group: OpenApiGroup,
  { list, example }: Partial<ResponseDescription> = {},
): JsonSchema {
  const [name, described] = findSchema(schema, group);
  const item = referenceTo(name);
  return list
    ? { schema: { type: "array", items: item, maxItems: MAX_LIMIT }, example: example ?? [described.example] }
    : { schema: item, example: example ?? described.example };
}

function findSchema(schema: z.ZodMiniType, { schemas, tag }: OpenApiGroup): [string, DescribedSchema] {
  const found = Object.entries(schemas).find(([, described]) => described.schema === schema);
  if (!found) throw new Error(`A body of the group ${tag.name} has a schema that the group does not name.`);
  return found;
}

function buildResponses(route: Route, texts: OperationDescription, group: OpenApiGroup): JsonSchema {
  const problems = texts.problems ?? {};
  const codes = commonProblemCodes(route);
  const statuses = new Set([
    ...codes.map((code) => problemStatuses[code]),
    ...Object.keys(problems).map(Number),
  ]);
  const codesOf = (status: number) => codes.filter((code) => problemStatuses[code] === status);
  return Object.fromEntries([
    ...texts.responses.map((response) => [response.status, successResponse(response, texts, group)]),
    ...[...statuses].map((status) => [status, operationProblem(status, codesOf(status), texts)]),
  ]);
}

function successResponse(
  response: ResponseDescription,
  { deprecated }: OperationDescription,
  group: OpenApiGroup,
): JsonSchema {
  const { description, schema, list, headers = [], content } = response;
  const json = schema && { "application/json": jsonContent(schema, group, response) };
  return {
    description,
    headers: headerReferences([
      ...headers,
      ...(list ? ["Link"] : []),
      ...(deprecated ? deprecationHeaders : []),
    ]),
    ...(json || content ? { content: { ...json, ...content } } : {}),
  };
}

/** The codes of the errors that a route's middleware and validation return. */
function commonProblemCodes(route: Route): ProblemCode[] {
  const { json, param, header } = route.schemas;
  const isConditionalChange = header === WritePreconditions || header === MergeHeaders;
  return [
    "validation_failed", // Of a query that the route does not take.
    ...codesIf(json, "body_missing", "invalid_utf8", "invalid_json", "duplicate_key"),
    ...codesIf(route.isAuthenticated, ...accessTokenCodes),
    ...codesIf(route.isAuthenticated, "auditor_read_only", "password_change_required"),
    ...codesIf(param, "not_found"),
    ...codesIf(
      header === ReadPreconditions || header === OptionalPreconditions || isConditionalChange,
      "precondition_failed",
    ),
    ...codesIf(isConditionalChange, "precondition_required"),
    ...codesIf(json, "body_too_large", "unsupported_media_type", "unsupported_content_encoding"),
    ...codesIf(header === IdempotencyKey || header === MergeHeaders, "idempotency_key_reused"),
    ...codesIf(route.isRateLimited, "rate_limited"),
    ...codesIf(route.isAuthenticated, "probing"),
    ...codesIf(route.isConfigured, "write_conflict", "internal_error"),
    ...codesIf(route.isConfigured, "database_unavailable", "database_busy"),
  ];
}

const codesIf = (condition: unknown, ...codes: ProblemCode[]): ProblemCode[] => (condition ? codes : []);
