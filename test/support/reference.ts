import { inject } from "vitest";
import type { HeaderOrReference, Operation, OperationResponse } from "./openapi.ts";
import { faultsOf, resolve } from "./openapi.ts";

const document = inject("reference");

/** A request and its answer, as a client sees both. */
export interface Exchange {
  method: string;
  url: URL;
  /** The JSON that was sent, if it was any. */
  sent?: unknown;
  status: number;
  headers: Headers;
  text: string;
}

/** @throws an error that names each thing of an exchange which the reference does not say. */
export function holdAgainstReference(exchange: Exchange): void {
  const faults = exchange.method === "OPTIONS" ? [] : faultsOfExchange(exchange);
  if (faults.length === 0) return;
  const { method, url, status } = exchange;
  throw new Error(
    `The reference does not say this of ${method} ${url.pathname}, ${status}:\n${faults.join("\n")}`,
  );
}

function faultsOfExchange(exchange: Exchange): string[] {
  const path = pathOf(exchange.url.pathname);
  const operations = path && document.paths[path];
  if (!operations) return faultsOutside(exchange, [401, 404, 413, 500]);
  const method = (exchange.method === "HEAD" ? "GET" : exchange.method).toLowerCase();
  const operation = operations[method];
  // Where a token is needed, what a path has is not told without one.
  if (!operation)
    return [...faultsOutside(exchange, [401, 405, 500]), ...faultsOfAllow(exchange, operations)];
  const response = operation.responses[exchange.status];
  if (!response) return [`a status that is none of ${Object.keys(operation.responses)}`];
  const faults = [...faultsOfAnswer(exchange, resolve(document, response))];
  return exchange.status < 300 ? [...faults, ...faultsOfRequest(exchange, operation)] : faults;
}

const segmentsOf = (path: string): string[] => path.replace(/\/$/, "").split("/");

/** The path of the document that a request's is one of, with its last slash or without; a literal one before a pattern. */
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

/** What belongs to no operation is a problem all the same. */
function faultsOutside(exchange: Exchange, statuses: number[]): string[] {
  if (!statuses.includes(exchange.status)) return [`a status that is none of ${statuses}`];
  return faultsOfBody(exchange, {
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  });
}

function faultsOfAllow({ status, headers }: Exchange, operations: Record<string, Operation>): string[] {
  const methods = Object.keys(operations).map((method) => method.toUpperCase());
  const said = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].sort().join();
  const allowed = headers.get("Allow")?.split(", ").sort().join();
  return status === 405 && allowed !== said ? [`Allow: ${allowed} and not ${said}`] : [];
}

function faultsOfAnswer(exchange: Exchange, { headers = {}, content }: OperationResponse): string[] {
  return [...faultsOfHeaders(exchange.headers, headers), ...faultsOfBody(exchange, content)];
}

/** Headers that say something of one answer, and are therefore on none that does not say so. */
const telling = [
  "Allow",
  "ETag",
  "Idempotency-Replayed",
  "Link",
  "Location",
  "Retry-After",
  "WWW-Authenticate",
];

function faultsOfHeaders(sent: Headers, said: Record<string, HeaderOrReference>): string[] {
  const unsaid = telling.filter((name) => sent.has(name) && !said[name]);
  const wrong = Object.entries(said).flatMap(([name, one]) => {
    const { required, schema } = resolve(document, one);
    const value = sent.get(name);
    if (value === null) return required ? [`no ${name}`] : [];
    const parsed = schema["type"] === "integer" ? Number(value) : value;
    return faultsOf(document, schema, parsed).map((fault) => `${name}: ${fault}`);
  });
  return [...unsaid.map((name) => `the header ${name}`), ...wrong];
}

function faultsOfBody({ method, headers, text }: Exchange, content: OperationResponse["content"]): string[] {
  const type = headers.get("Content-Type");
  if (!content) return type || text ? [`a body of type ${type}`] : [];
  const [mediaType = ""] = type?.split(";") ?? [];
  const media = content[mediaType];
  if (!media) return [`the type ${type}`];
  if (method === "HEAD") return text ? ["a body for HEAD"] : [];
  return /[/+]json$/.test(mediaType) ? faultsOf(document, media.schema, JSON.parse(text)) : [];
}

/** Whatever is accepted has to be something that the document calls valid. */
function faultsOfRequest({ url, sent }: Exchange, { requestBody, parameters = [] }: Operation): string[] {
  const json = requestBody?.content["application/json"];
  const ofBody = json && sent !== undefined ? faultsOf(document, json.schema, sent) : [];
  const query = parameters.filter((parameter) => parameter.in === "query");
  const ofQuery = [...url.searchParams].flatMap(([name, value]) => {
    if (name === "") return []; // Hono passes it over: ?=F asks for nothing
    const schema = query.find((parameter) => parameter.name === name)?.schema;
    if (!schema) return query.length > 0 ? [`the parameter ${name}`] : [];
    return faultsOf(document, schema, schema["type"] === "integer" ? Number(value) : value);
  });
  return [...ofBody.map((fault) => `sent: ${fault}`), ...ofQuery.map((fault) => `query: ${fault}`)];
}
