import { expect, inject, test } from "vitest";
import { app } from "../../src/app.ts";
import { routeRequests } from "../requests.ts";
import { operationOfRoute } from "../support/openapi.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const document = inject("openApiDocument");
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

/** The operation of a route in the document. */
function operationOf(request: RouteRequest) {
  const operation = operationOfRoute(document, request.route);
  if (!operation) throw new Error(`There is no ${request.route} in the document.`);
  return operation;
}

test("the operations are exactly the routes of the app", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const keys = routes.map(({ method, path }) => {
    const pattern = path.replace(/:\w+/g, "{}");
    return `${method} ${pattern}${path.startsWith("/api/") ? "/" : ""}`;
  });
  const documented = operations.map(({ key }) => key.replace(/\{\w+\}/g, "{}"));
  expect(documented.sort()).toEqual([...new Set(keys)].sort());
});

test("every operationId is unique, because generated clients use it as a name", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(routeRequests)(
  "$route: the document has its security, body, path parameter and status",
  (request) => {
    const { security, requestBody, parameters = [], responses } = operationOf(request);
    expect(security).toEqual(request.access === "open" ? [] : [{ bearer: [] }]);
    expect(requestBody !== undefined).toBe(request.invalid !== undefined || request.takesFile === true);
    expect(parameters.some((one) => one.in === "path")).toBe(request.route.includes(":"));
    expect(Object.keys(responses)).toContain(String(request.status));
  },
);
