import { describe, expect, inject, test } from "vitest";
import { requests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { faultsOf, type Media, type Operation, resolve } from "../support/openapi.ts";
import { methodOf, pathOf, type RouteRequest, send } from "../support/route-requests.ts";

const document = inject("reference");

const operationOf = (request: RouteRequest): Operation | undefined =>
  document.paths[pathOf(request, "{id}")]?.[methodOf(request).toLowerCase()];

const sentIn = (request: RouteRequest): Record<string, unknown> | undefined =>
  operationOf(request)?.requestBody?.content["application/json"]?.example as never;

const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

/** Whatever an operation shows an example of. */
function mediaOf({ requestBody, responses }: Operation): Media[] {
  const answers = Object.values(responses).map((response) => resolve(document, response).content ?? {});
  return [requestBody?.content ?? {}, ...answers].flatMap((content) => Object.values(content));
}

test.each(operations)("the examples of $operationId are what its schemas say", (operation) => {
  for (const { schema, example } of mediaOf(operation)) {
    expect(example).toBeDefined();
    expect(faultsOf(document, schema, example)).toEqual([]);
  }
  for (const { schema, example, in: place } of operation.parameters ?? []) {
    if (place === "path") expect(example).toBeDefined();
    if (example !== undefined) expect(faultsOf(document, schema, example)).toEqual([]);
  }
});

test.each(Object.entries(document.components.schemas))("the examples of %s are what it says", (_, schema) => {
  const examples = schema["examples"] as unknown[];
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) expect(faultsOf(document, schema, example)).toEqual([]);
});

test.each(Object.entries(document.components.headers))("the header %s has a true example", (_, header) => {
  expect(faultsOf(document, header.schema, Object(header)["example"])).toEqual([]);
});

/** Fields of a body that name what has to be there, and is another in each database. */
const naming = ["patient", "doctor", "refresh", "from", "to"];

describe.each(requests.filter((request) => sentIn(request)))(
  "the body in the example of $route",
  (request) => {
    const example = sentIn(request) ?? {};

    test.skipIf(request.access === "open" && !("refresh" in example))("is accepted", async () => {
      const account = await newAccount(undefined, request.as);
      const about = (await request.subject?.(account)) ?? {};
      const named = Object.entries(about.body ?? {}).filter(([field]) => naming.includes(field));
      const answer = await send(account, request, {
        ...about,
        body: { ...example, ...Object.fromEntries(named) },
      });
      expect(answer.status).toBe(request.status);
    });

    test.runIf(["PUT", "PATCH"].includes(methodOf(request)))("is what its answer shows", () => {
      const response = operationOf(request)?.responses[request.status];
      const answer = response && resolve(document, response).content?.["application/json"]?.example;
      expect(answer).toMatchObject(example);
    });
  },
);

test("the account in the examples can be made, and logged in to", async () => {
  const api = connectApi();
  const bodyOf = (route: string) =>
    sentIn(requests.find((request) => request.route === route) as RouteRequest);
  const made = await api.post("/api/auth/register/", bodyOf("POST /api/auth/register"));
  expect(made.status).toBe(201);
  expect((await api.post("/api/auth/login/", bodyOf("POST /api/auth/login"))).status).toBe(200);
});
