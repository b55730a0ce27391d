import { accountsOpenApi } from "../src/accounts/openapi.ts";
import { app } from "../src/app.ts";
import { appointmentsOpenApi } from "../src/appointments/openapi.ts";
import { assignmentsOpenApi } from "../src/assignments/openapi.ts";
import { auditOpenApi } from "../src/audit/openapi.ts";
import { authOpenApi } from "../src/auth/openapi.ts";
import { calendarFeedsOpenApi } from "../src/calendar-feeds/openapi.ts";
import { changesOpenApi } from "../src/changes/openapi.ts";
import { clinicsOpenApi } from "../src/clinics/openapi.ts";
import { doctorsOpenApi } from "../src/doctors/openapi.ts";
import { emergencyAccessesOpenApi } from "../src/emergency-accesses/openapi.ts";
import { healthOpenApi } from "../src/health/openapi.ts";
import type { DescribedSchema, JsonSchema, OpenApiGroup, OperationDescription } from "../src/http/openapi.ts";
import { identifierSystemsOpenApi } from "../src/identifier-systems/openapi.ts";
import { invitationsOpenApi } from "../src/invitations/openapi.ts";
import { patientsOpenApi } from "../src/patients/openapi.ts";
import { schedulesOpenApi } from "../src/schedules/openapi.ts";
import { enumSchemas } from "./enums.ts";
import { headers } from "./headers.ts";
import { buildOperation } from "./operations.ts";
import { codeSchemas, problemResponses, problemSchema } from "./problems.ts";
import { listRoutes, type Route } from "./routes.ts";
import { buildSchemas } from "./schemas.ts";

export const groups: OpenApiGroup[] = [
  authOpenApi,
  patientsOpenApi,
  doctorsOpenApi,
  assignmentsOpenApi,
  schedulesOpenApi,
  appointmentsOpenApi,
  changesOpenApi,
  identifierSystemsOpenApi,
  clinicsOpenApi,
  accountsOpenApi,
  invitationsOpenApi,
  emergencyAccessesOpenApi,
  calendarFeedsOpenApi,
  auditOpenApi,
  healthOpenApi,
];

/**
 * Builds the OpenAPI document: routes and schemas from the app, texts from the groups.
 *
 * @param introduction Markdown, shown above the operations.
 * @throws when a route, a schema or a field has no description, or a description belongs to none of them.
 */
export function buildDocument(version: string, introduction: string) {
  const routes = listRoutes(app);
  requireKnownRoutes(routes);
  const paths = buildPaths(routes);
  const responses = pickReferenced(problemResponses(), paths);
  const schemas = {
    ...buildSchemas(selectSchemas(routes, "requests"), "input"),
    ...buildSchemas(
      { ...selectSchemas(routes, "responses"), Problem: problemSchema, ...codeSchemas },
      "output",
    ),
  };
  return {
    openapi: "3.1.1",
    info: {
      title: "Hospital API",
      version,
      summary: "A hospital's accounts, patients, doctors and assignments of doctors to patients.",
      description: introduction,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server of this document" }],
    // Two groups share a tag.
    tags: [...new Set(groups.map(({ tag }) => tag))],
    paths,
    components: {
      schemas: { ...schemas, ...pickReferenced(enumSchemas(), [paths, schemas]) },
      responses,
      headers: pickReferenced(headers, [paths, responses]),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "The `access` token from login or refresh. It is valid for `expires_in` seconds: 15 minutes at most.",
        },
      },
    },
  };
}

/** The components that `part` of the document refers to. */
function pickReferenced<Component>(
  components: Record<string, Component>,
  part: unknown,
): Record<string, Component> {
  const json = JSON.stringify(part);
  return Object.fromEntries(Object.entries(components).filter(([name]) => json.includes(`/${name}"`)));
}

function buildPaths(routes: Route[]) {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    const [group, texts] = findDescription(route);
    const method = route.method.toLowerCase();
    const path = documentedPath(route, texts);
    paths[path] = { ...paths[path], [method]: buildOperation(route, texts, group) };
  }
  return paths;
}

/** The path of a route, with the names that its parameters have in the document. */
const documentedPath = ({ path }: Route, { parameters = {} }: OperationDescription): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => `{${parameters[name]?.name ?? name}}`);

/** The named schemas of the JSON bodies of requests, or the others. */
function selectSchemas(
  routes: Route[],
  direction: "requests" | "responses",
): Record<string, DescribedSchema> {
  const requestSchemas = new Set(routes.map(({ schemas }) => schemas["json"]));
  const all = groups.flatMap(({ schemas }) => Object.entries(schemas));
  return Object.fromEntries(
    all.filter(([, { schema }]) => requestSchemas.has(schema) === (direction === "requests")),
  );
}

function findDescription({ key }: Route): [OpenApiGroup, OperationDescription] {
  for (const group of groups) {
    const description = group.operations[key];
    if (description) return [group, description];
  }
  throw new Error(`The route ${key} has no description.`);
}

/** @throws when a description belongs to no route */
function requireKnownRoutes(routes: Route[]): void {
  const keys = new Set(routes.map(({ key }) => key));
  const described = groups.flatMap(({ operations }) => Object.keys(operations));
  const unknown = described.filter((key) => !keys.has(key));
  if (unknown.length > 0)
    throw new Error(`There is no route ${unknown.join(", ")}, but a description of it.`);
}
