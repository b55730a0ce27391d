import { describe, expect, inject, test } from "vitest";
import { routeRequests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import {
  closeObjects,
  type Media,
  type Operation,
  operationOfRoute,
  resolveReference,
  schemaErrors,
} from "../support/openapi.ts";
import { type RouteRequest, routeMethod, sendRouteRequest } from "../support/route-requests.ts";

const document = closeObjects(inject("openApiDocument"));

const operationOf = (request: RouteRequest): Operation | undefined =>
  operationOfRoute(document, request.route);

const exampleBodyOf = (request: RouteRequest): Record<string, unknown> | undefined =>
  operationOf(request)?.requestBody?.content["application/json"]?.example as never;

const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

/** All media types of an operation: of its request body and of its responses. */
function mediaOf({ requestBody, responses }: Operation): Media[] {
  const answers = Object.values(responses).map(
    (response) => resolveReference(document, response).content ?? {},
  );
  return [requestBody?.content ?? {}, ...answers].flatMap((content) => Object.values(content));
}

test.each(operations)("the examples of $operationId are valid by its schemas", (operation) => {
  for (const { schema, example } of mediaOf(operation)) {
    expect(example).toBeDefined();
    expect(schemaErrors(document, schema, example)).toEqual([]);
  }
  for (const { schema, example, in: place } of operation.parameters ?? []) {
    if (place === "path") expect(example).toBeDefined();
    if (example !== undefined) expect(schemaErrors(document, schema, example)).toEqual([]);
  }
});

test.each(Object.entries(document.components.schemas))(
  "the examples of the schema %s are valid by it",
  (_, schema) => {
    const examples = schema["examples"] as unknown[];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(schemaErrors(document, schema, example)).toEqual([]);
  },
);

test.each(Object.entries(document.components.headers))(
  "the example of the header %s is valid by its schema",
  (_, header) => {
    expect(schemaErrors(document, header.schema, Object(header)["example"])).toEqual([]);
  },
);

/** Fields that refer to something in the database, whose value differs in each one, or to a time to come. */
const referenceFields = [
  ...["patient", "doctor", "clinic", "account"],
  ...["refresh", "from", "to", "into", "starts_at"],
];

describe.each(routeRequests.filter((request) => exampleBodyOf(request)))(
  "the body in the example of $route",
  (request) => {
    const example = exampleBodyOf(request) ?? {};

    test.skipIf(request.access === "open" && !("refresh" in example))("is accepted", async () => {
      const account = await newAccount(undefined, request.as);
      const about = (await request.subject?.(account)) ?? {};
      const references = Object.entries(about.body ?? {}).filter(([field]) =>
        referenceFields.includes(field),
      );
      const answer = await sendRouteRequest(account, request, {
        ...about,
        body: { ...example, ...Object.fromEntries(references) },
      });
      expect(answer.status).toBe(request.status);
    });

    test.runIf(["PUT", "PATCH"].includes(routeMethod(request)))(
      "is part of the example of its response",
      () => {
        const response = operationOf(request)?.responses[request.status];
        const answer =
          response && resolveReference(document, response).content?.["application/json"]?.example;
        // No response has a password.
        const { password, ...shown } = example;
        expect(answer).toMatchObject(shown);
      },
    );
  },
);

test("the account of the examples can be registered and can log in", async () => {
  const api = connectApi();
  const bodyOf = (route: string) =>
    exampleBodyOf(routeRequests.find((request) => request.route === route) as RouteRequest);
  const registered = await api.post("/api/auth/register/", bodyOf("POST /api/auth/register"));
  expect(registered.status).toBe(201);
  expect((await api.post("/api/auth/login/", bodyOf("POST /api/auth/login"))).status).toBe(200);
});
