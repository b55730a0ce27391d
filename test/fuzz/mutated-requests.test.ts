import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fieldProblem } from "../support/problems.ts";
import { type RouteRequest, routePath, sendRouteRequest, sendToPath } from "../support/route-requests.ts";
import { type Mutation, mutationsOf, waysToSpoil } from "./mutations.ts";
import { bodyOf, queryOf, withJson, withQuery } from "./operations.ts";
import { checkProperty, createWorld, propertyTimeout } from "./runs.ts";

// When one thing in a request is invalid, the response names that one alone, and no database request is made.

function applyMutation(body: object, { field, value }: Mutation): Record<string, unknown> {
  const rest = Object.entries(body).filter(([name]) => name !== field);
  return Object.fromEntries(value === undefined ? rest : [...rest, [field, value]]);
}

/** An unknown name that is no plain identifier may be personal data. */
const namedInErrors = (name: string) => (/^[a-z_][a-z_0-9]{0,63}$/i.test(name) ? name : "unknown_key");

test.each(withJson)(
  "$route with one invalid field in the body returns 400 for that field, without a database request",
  propertyTimeout,
  async (request) => {
    const { account, about } = await createWorld(request);
    await checkProperty(
      fc.asyncProperty(mutationsOf(bodyOf(request) ?? {}), async (mutation) => {
        const body = applyMutation(about.body ?? {}, mutation);
        const answer = await sendRouteRequest(account, request, { ...about, body });
        // Of a list or an object, the response names each part that is not valid.
        const paths = Object.keys(answer.body.errors ?? {});
        const parts = paths.filter((path) => path.startsWith(`${mutation.field}.`));
        const named = parts.length > 0 ? paths : [namedInErrors(mutation.field)];
        const { body: expected, ...rest } = fieldProblem(...named);
        // Two unknown fields whose names may be personal data have one error, and both are counted.
        const detail =
          parts.length > 0
            ? expect.stringMatching(/ not valid(; the first 20 are named)?\.$/)
            : expected.detail;
        expect(answer).toEqual({ ...rest, body: { ...expected, detail } });
        expect(named.every((path) => path.split(".")[0] === named[0]?.split(".")[0])).toBe(true);
      }),
      40,
    );
    expect(await account.api.databaseRequests()).toBe(0);
  },
);

/** Invalid parameters. All values are text in a URL, which cannot hold a lone surrogate. */
const invalidParameters = (request: RouteRequest) => {
  const invalidValues = Object.entries(queryOf(request)).flatMap(([name, schema]) =>
    waysToSpoil(schema)
      .filter(({ what }) => !["of another type", "with half a character"].includes(what))
      .map(({ value }) => fc.tuple(fc.constant(name), value.map(String))),
  );
  const names = fc.constantFrom("__proto__", "constructor", "Limit", "limit[]", "page", "q");
  return fc.oneof(...invalidValues, fc.tuple(names, fc.string()));
};

test.each(withQuery)(
  "$route with one invalid query parameter returns 400 for that parameter, without a database request",
  propertyTimeout,
  async (request) => {
    const { account, about } = await createWorld(request);
    await checkProperty(
      fc.asyncProperty(invalidParameters(request), async ([name, text]) => {
        const path = `${routePath(request, about)}?${new URLSearchParams([[name, text]])}`;
        expect(await sendToPath(account, request, path, about)).toEqual(fieldProblem(namedInErrors(name)));
      }),
      40,
    );
    expect(await account.api.databaseRequests()).toBe(0);
  },
);
