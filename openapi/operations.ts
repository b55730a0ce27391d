import { IdempotencyKey } from "../src/http/idempotency.ts";
import type {
  DescribedSchema,
  OpenApiGroup,
  OperationDescription,
  ProblemDescription,
  ResponseDescription,
} from "../src/http/openapi.ts";
import { IfMatch } from "../src/http/preconditions.ts";
import type * as z from "../src/zod.ts";
import { headersOf } from "./headers.ts";
import { problemContent, wordsOf } from "./problems.ts";
import type { Route } from "./routes.ts";
import { type JsonSchema, parametersOf, referenceTo } from "./schemas.ts";

/** A route as an operation of the document. @throws when something of it has no words */
export function operationOf(route: Route, words: OperationDescription, group: OpenApiGroup): JsonSchema {
  const { operationId, summary, description, deprecated } = words;
  const described = parametersOfRoute(route, words, group);
  const body = bodyOf(route, words, group);
  return {
    operationId,
    summary,
    description,
    tags: [group.tag.name],
    ...(deprecated ? { deprecated } : {}),
    security: route.isGuarded ? [{ bearer: [] }] : [],
    ...(described.length > 0 ? { parameters: described } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: responsesOf(route, words, group),
  };
}

const places = { param: "path", query: "query", header: "header" } as const;

function parametersOfRoute({ parts }: Route, words: OperationDescription, group: OpenApiGroup): JsonSchema[] {
  return Object.entries(places).flatMap(([part, place]) => {
    const schema = parts[part];
    return schema ? parametersOf(place, schema, group.parameters, words.parameters) : [];
  });
}

function bodyOf(
  { parts }: Route,
  { content }: OperationDescription,
  group: OpenApiGroup,
): JsonSchema | undefined {
  const json = parts["json"] && { "application/json": mediaOf(parts["json"], group) };
  return json || content ? { required: true, content: { ...json, ...content } } : undefined;
}

/** A body of a named schema, or a list of such. */
function mediaOf(
  schema: z.ZodMiniType,
  group: OpenApiGroup,
  { list, example }: Partial<ResponseDescription> = {},
): JsonSchema {
  const [name, words] = nameOf(schema, group);
  const item = referenceTo(name);
  return list
    ? { schema: { type: "array", items: item, maxItems: 200 }, example: example ?? [words.example] }
    : { schema: item, example: example ?? words.example };
}

function nameOf(schema: z.ZodMiniType, { schemas, tag }: OpenApiGroup): [string, DescribedSchema] {
  const found = Object.entries(schemas).find(([, one]) => one.schema === schema);
  if (!found) throw new Error(`A body of ${tag.name} has a schema without a name.`);
  return found;
}

function responsesOf(route: Route, words: OperationDescription, group: OpenApiGroup): JsonSchema {
  const answers = words.answers.map((answer) => [answer.status, answerOf(answer, group)]);
  const problems = [...new Set([...statusesOf(route), ...Object.keys(words.problems ?? {}).map(Number)])];
  return Object.fromEntries([
    ...answers,
    ...problems.map((status) => [status, problemOf(status, words.problems?.[status])]),
  ]);
}

function answerOf(answer: ResponseDescription, group: OpenApiGroup) {
  const { description, schema, list, headers = [], content } = answer;
  const json = schema && { "application/json": mediaOf(schema, group, answer) };
  return {
    description,
    headers: headersOf(list ? [...headers, "Link"] : headers),
    ...(json || content ? { content: { ...json, ...content } } : {}),
  };
}

/** The problems that come from the code around a route's work. */
function statusesOf({ parts, isGuarded, isLimited, isConfigured }: Route): number[] {
  const { header } = parts;
  const has = (...names: string[]) => names.some((name) => parts[name]);
  return [
    ...(has("json", "query", "header") ? [400] : []),
    ...(isGuarded ? [401, 403] : []),
    ...(has("param") ? [404] : []),
    ...(header === IfMatch ? [412, 428] : []),
    ...(has("json") ? [413, 415] : []),
    ...(header === IdempotencyKey ? [422] : []),
    ...(isLimited ? [429] : []),
    ...(isConfigured ? [409, 500, 503] : []),
  ];
}

function problemOf(status: number, words?: ProblemDescription): JsonSchema {
  const { name } = wordsOf(status);
  return words ? problemResponse(status, words) : { $ref: `#/components/responses/${name}` };
}

/** A problem as an answer; in the words of its status, where there are no others. */
export function problemResponse(
  status: number,
  { when, detail }: Partial<ProblemDescription> = {},
): JsonSchema {
  const { description, headers } = wordsOf(status);
  return {
    description: when ?? description,
    headers: headersOf(headers),
    content: problemContent(status, detail),
  };
}
