import { inject } from "vitest";
import type { HeaderOrReference, Operation, OperationResponse } from "./openapi.ts";
import { closeObjects, parseParameter, resolveReference, schemaErrors } from "./openapi.ts";

const document = closeObjects(inject("openApiDocument"));

/** A request and its response, as a client sees them. */
interface Exchange {
  method: string;
  url: URL;
  /** The JSON that was sent, if any. */
  sent?: unknown;
  status: number;
  headers: Headers;
  text: string;
}

/** @throws an error that lists every difference between an exchange and the OpenAPI document. */
export function requireDocumented(exchange: Exchange): void {
  const faults = exchange.method === "OPTIONS" ? [] : faultsOfExchange(exchange);
  if (faults.length === 0) return;
  const { method, url, status } = exchange;
  throw new Error(
    `${method} ${url.pathname}, ${status} differs from the OpenAPI document:\n${faults.join("\n")}`,
  );
}

function faultsOfExchange(exchange: Exchange): string[] {
  const path = pathOf(exchange.url.pathname);
  const operations = path && document.paths[path];
  if (!operations) return faultsOutside(exchange, { ...outside, 404: ["no_such_route"] });
  const method = (exchange.method === "HEAD" ? "GET" : exchange.method).toLowerCase();
  const operation = operations[method];
  // Without a token, a path that needs one returns 401 and not its methods.
  if (!operation)
    return [
      ...faultsOutside(exchange, { ...outside, 405: ["method_not_allowed"] }),
      ...faultsOfAllow(exchange, operations),
    ];
  const response = operation.responses[exchange.status];
  if (!response) return [`a status that is none of ${Object.keys(operation.responses)}`];
  const faults = [...faultsOfAnswer(exchange, resolveReference(document, response))];
  return exchange.status < 300 ? [...faults, ...faultsOfRequest(exchange, operation)] : faults;
}

const segmentsOf = (path: string): string[] => path.replace(/\/$/, "").split("/");

/**
 * Finds the document's path for a request path, with or without the slash at its end; a literal path wins over a
 * pattern.
 */
function pathOf(pathname: string): string | undefined {
  const sent = segmentsOf(pathname);
  const fits = (path: string) => {
    const segments = segmentsOf(path);
    const same = segments.every((segment, index) =>
      segment.startsWith("{") ? sent[index] : segment === sent[index],
    );
    return same && segments.length === sent.length;
  };
  const found = Object.keys(document.paths).filter(fits);
  return found.find((path) => !path.includes("{")) ?? found[0];
}

/** The codes of responses that belong to no operation, by their status. */
const outside: Record<number, string[]> = {
  401: ["token_missing", "token_invalid", "token_expired", "token_revoked"],
  500: ["internal_error"],
};

/** A response that belongs to no operation must be a problem with one of these codes. */
function faultsOutside(exchange: Exchange, codes: Record<number, string[]>): string[] {
  const expected = codes[exchange.status];
  if (!expected) return [`a status that is none of ${Object.keys(codes)}`];
  const schema = {
    allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: { code: { enum: expected } } }],
  };
  return faultsOfBody(exchange, { "application/problem+json": { schema } });
}

function faultsOfAllow({ status, headers }: Exchange, operations: Record<string, Operation>): string[] {
  const methods = Object.keys(operations).map((method) => method.toUpperCase());
  const expected = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].sort().join();
  const allowed = headers.get("Allow")?.split(", ").sort().join();
  return status === 405 && allowed !== expected ? [`Allow: ${allowed} instead of ${expected}`] : [];
}

function faultsOfAnswer(exchange: Exchange, { headers = {}, content }: OperationResponse): string[] {
  return [...faultsOfHeaders(exchange.headers, headers), ...faultsOfBody(exchange, content)];
}

/** Headers that only a response may have whose description in the document has them. */
const documentedHeaders = [
  "Accept-Encoding",
  "Allow",
  "Content-Disposition",
  "Deprecation",
  "ETag",
  "Idempotency-Replayed",
  "Link",
  "Location",
  "Retry-After",
  "WWW-Authenticate",
];

function faultsOfHeaders(sent: Headers, documented: Record<string, HeaderOrReference>): string[] {
  const undocumented = documentedHeaders.filter((name) => sent.has(name) && !documented[name]);
  const wrong = Object.entries(documented).flatMap(([name, one]) => {
    const { required, schema } = resolveReference(document, one);
    const value = sent.get(name);
    if (value === null) return required ? [`no ${name}`] : [];
    return schemaErrors(document, schema, parseParameter(schema, value)).map((fault) => `${name}: ${fault}`);
  });
  return [...undocumented.map((name) => `the header ${name}`), ...wrong];
}

function faultsOfBody({ method, headers, text }: Exchange, content: OperationResponse["content"]): string[] {
  const type = headers.get("Content-Type");
  if (!content) return type || text ? [`a body of type ${type}`] : [];
  const [mediaType = ""] = type?.split(";") ?? [];
  const media = content[mediaType];
  if (!media) return [`the type ${type}`];
  if (method === "HEAD") return text ? ["a body for HEAD"] : [];
  if (!/[/+]json$/.test(mediaType)) return [];
  const body = JSON.parse(text);
  return [...schemaErrors(document, media.schema, body), ...faultsOfFieldErrors(body)];
}

/** Every field error has a code: in a problem, and in the refused lines of an import. */
function faultsOfFieldErrors(body: { refused?: unknown[] }): string[] {
  return [body, ...(body.refused ?? [])].flatMap((one) => {
    const { errors = {}, error_codes = {} } = one as Record<string, Record<string, string[]>>;
    const counts = (all: Record<string, string[]>) =>
      JSON.stringify(Object.entries(all).map(([field, { length }]) => [field, length]));
    return counts(errors) === counts(error_codes) ? [] : ["other codes than messages of fields"];
  });
}

/** A request that was accepted must be valid by the document. */
function faultsOfRequest({ url, sent }: Exchange, { requestBody, parameters = [] }: Operation): string[] {
  const json = requestBody?.content["application/json"];
  const ofBody = json && sent !== undefined ? schemaErrors(document, json.schema, sent) : [];
  const query = parameters.filter((parameter) => parameter.in === "query");
  const ofQuery = [...url.searchParams].flatMap(([name, value]) => {
    const schema = query.find((parameter) => parameter.name === name)?.schema;
    if (!schema) return [`the parameter ${name}`];
    return schemaErrors(document, schema, parseParameter(schema, value));
  });
  return [...ofBody.map((fault) => `sent: ${fault}`), ...ofQuery.map((fault) => `query: ${fault}`)];
}
