import { expect, test } from "vitest";
import { routeRequests } from "../../requests.ts";
import { newAccount } from "../../support/accounts.ts";
import type { ApiResponse } from "../../support/api.ts";
import { postPatient } from "../../support/resources.ts";
import { type RouteRequest, routePath, sendRouteRequest, sendToPath } from "../../support/route-requests.ts";
import { fieldsOf } from "../arbitraries.ts";
import { bodyOf, operationOf, queryOf } from "../operations.ts";
import { createWorld, propertyTimeout } from "../runs.ts";
import { injections } from "./injections.ts";
import { expectNoLeak } from "./leaks.ts";

type Try = [place: string, send: (text: string) => Promise<ApiResponse>];

/** Every place in a route's request that takes text, with a function that sends a text there. */
async function placesOf(request: RouteRequest): Promise<Try[]> {
  const { account, about } = await createWorld(request);
  const path = routePath(request, about);
  const { parameters = [] } = operationOf(request);
  const strings = Object.entries(fieldsOf(bodyOf(request) ?? {})).filter(([, { type }]) => type === "string");
  const inBody = strings.map(
    ([field]): Try => [
      field,
      (text) => sendRouteRequest(account, request, { ...about, body: { ...about.body, [field]: text } }),
    ],
  );
  const inQuery = Object.keys(queryOf(request)).map(
    (name): Try => [
      `?${name}`,
      (text) => sendToPath(account, request, `${path}?${name}=${encodeURIComponent(text)}`, about),
    ],
  );
  const inPath: Try = [
    "id",
    (text) =>
      sendToPath(account, request, routePath(request, { ...about, id: encodeURIComponent(text) }), about),
  ];
  const own = parameters.filter((one) => one.in === "header").map(({ name }) => name);
  const inHeaders = [...own, "CF-Connecting-IP"].map(
    (name): Try => [name, (text) => sendRouteRequest(account, request, about, { headers: { [name]: text } })],
  );
  return [...inBody, ...inQuery, ...(request.route.includes(":id") ? [inPath] : []), ...inHeaders];
}

test.each(routeRequests)(
  "$route accepts or refuses SQL and scripts in every text, and never returns 5xx or tells internals",
  propertyTimeout,
  async (request) => {
    for (const [place, send] of await placesOf(request)) {
      const answers = await Promise.all(injections.map(({ text }) => send(text)));
      const failures = answers.flatMap(({ status }, index) =>
        status < 500 ? [] : [[injections[index]?.name, status]],
      );
      expect([place, failures]).toEqual([place, []]);
      for (const answer of answers) if (answer.status >= 400) expectNoLeak(answer);
    }
  },
);

test("a lastname that is SQL is stored as it is, and a search for it finds that patient only", async () => {
  const account = await newAccount();
  for (const { text: lastname } of injections) {
    const body = { firstname: "Ada", lastname, email: "ada@example.org", age: 36, gender: "F" };
    const { body: patient } = await account.post("/api/patients/", body);
    expect(patient).toMatchObject(body);
    const { body: found } = await account.get(`/api/patients/?search=${encodeURIComponent(lastname)}`);
    expect(found).toEqual([patient]);
    await account.delete(`/api/patients/${patient.id}/`);
  }
});

test("a search for SQL finds no patient with another name", async () => {
  const account = await newAccount();
  await postPatient(account);
  for (const { text } of injections)
    expect(await account.get(`/api/patients/?search=${encodeURIComponent(text)}`)).toMatchObject({
      status: 200,
      body: [],
    });
});
