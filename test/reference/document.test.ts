import { expect, inject, test } from "vitest";
import { app } from "../../src/app.ts";
import { requests } from "../requests.ts";
import { methodOf, pathOf, type RouteRequest } from "../support/route-requests.ts";

const document = inject("reference");
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

/** What the document says of a route. */
function operationOf(request: RouteRequest) {
  const operation = document.paths[pathOf(request, "{id}")]?.[methodOf(request).toLowerCase()];
  if (!operation) throw new Error(`There is no ${request.route} in the document.`);
  return operation;
}

test("every route of the app is an operation, and there is no other", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const keys = routes.map(({ method, path }) => {
    const written = path.replace(/:(\w+)/g, "{$1}");
    return `${method} ${written}${path.startsWith("/api/") ? "/" : ""}`;
  });
  expect(operations.map(({ key }) => key).sort()).toEqual([...new Set(keys)].sort());
});

test("an operation's id is its own: clients call it by that", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(requests)("$route says who may call it, what it takes and what it answers", (request) => {
  const { security, requestBody, parameters = [], responses } = operationOf(request);
  expect(security).toEqual(request.access === "open" ? [] : [{ bearer: [] }]);
  expect(requestBody !== undefined).toBe(request.invalid !== undefined || request.takesFile === true);
  expect(parameters.some((one) => one.in === "path")).toBe(request.route.includes(":"));
  expect(Object.keys(responses)).toContain(String(request.status));
});
