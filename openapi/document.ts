import { accountsOpenApi } from "../src/accounts/openapi.ts";
import { app } from "../src/app.ts";
import { assignmentsOpenApi } from "../src/assignments/openapi.ts";
import { auditOpenApi } from "../src/audit/openapi.ts";
import { authOpenApi } from "../src/auth/openapi.ts";
import { doctorsOpenApi } from "../src/doctors/openapi.ts";
import { healthOpenApi } from "../src/health/openapi.ts";
import type { DescribedSchema, OpenApiGroup, OperationDescription } from "../src/http/openapi.ts";
import { patientsOpenApi } from "../src/patients/openapi.ts";
import { headers } from "./headers.ts";
import { operationOf, problemResponse } from "./operations.ts";
import { Problem, problems } from "./problems.ts";
import { type Route, routesOf } from "./routes.ts";
import { componentsOf, type JsonSchema } from "./schemas.ts";

const groups: OpenApiGroup[] = [
  authOpenApi,
  patientsOpenApi,
  doctorsOpenApi,
  assignmentsOpenApi,
  accountsOpenApi,
  auditOpenApi,
  healthOpenApi,
];

/**
 * The OpenAPI document of the app: its routes and their schemas as they run, and the words of the groups.
 *
 * @param introduction Markdown that stands before the routes
 * @throws when a route, a schema or a field has no words, or words are of nothing that there is
 */
export function documentOf(version: string, introduction: string) {
  const routes = routesOf(app);
  requireRoutes(routes);
  const paths = pathsOf(routes);
  const responses = Object.fromEntries(
    Object.entries(problems).map(([status, { name }]) => [name, problemResponse(Number(status))]),
  );
  const usedResponses = only(responses, paths);
  return {
    openapi: "3.1.1",
    info: {
      title: "Hospital API",
      version,
      summary: "A hospital's accounts, patients, doctors and the assignments between them.",
      description: introduction,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "Where this document comes from" }],
    tags: groups.map(({ tag }) => tag),
    paths,
    components: {
      schemas: {
        ...componentsOf(schemasOf(routes, true), "input"),
        ...componentsOf({ ...schemasOf(routes, false), Problem }, "output"),
      },
      responses: usedResponses,
      headers: only(headers, [paths, usedResponses]),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "The `access` token that logging in and refreshing answer. It is good for 15 minutes.",
        },
      },
    },
  };
}

/** Those components that something refers to. */
function only<Component>(components: Record<string, Component>, used: unknown): Record<string, Component> {
  const text = JSON.stringify(used);
  return Object.fromEntries(Object.entries(components).filter(([name]) => text.includes(`/${name}"`)));
}

function pathsOf(routes: Route[]) {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    const [group, words] = wordsOf(route);
    const method = route.method.toLowerCase();
    paths[route.path] = { ...paths[route.path], [method]: operationOf(route, words, group) };
  }
  return paths;
}

/** The named schemas of what is sent, or of what is answered. */
function schemasOf(routes: Route[], isSent: boolean): Record<string, DescribedSchema> {
  const sent = new Set(routes.map(({ parts }) => parts["json"]));
  const all = groups.flatMap(({ schemas }) => Object.entries(schemas));
  return Object.fromEntries(all.filter(([, { schema }]) => sent.has(schema) === isSent));
}

function wordsOf({ key }: Route): [OpenApiGroup, OperationDescription] {
  for (const group of groups) {
    const words = group.operations[key];
    if (words) return [group, words];
  }
  throw new Error(`There are no words for ${key}.`);
}

/** @throws when there are words for something that is no route */
function requireRoutes(routes: Route[]): void {
  const keys = new Set(routes.map(({ key }) => key));
  const lost = groups.flatMap(({ operations }) => Object.keys(operations)).filter((key) => !keys.has(key));
  if (lost.length > 0) throw new Error(`There is no route ${lost.join(", ")}.`);
}
