import * as fc from "fast-check";
import { expect, test } from "vitest";
import { refusal } from "../support/problems.ts";
import { pathOf, type RouteRequest, send, sendTo } from "../support/route-requests.ts";
import { type Mutation, mutationsOf, waysToSpoil } from "./mutations.ts";
import { bodyOf, queryOf, withJson, withQuery } from "./operations.ts";
import { createWorld, patience, tries } from "./runs.ts";

// One thing that is wrong with a request is named, and nothing else; and the database is not even asked.

function mutated(body: object, { field, value }: Mutation): Record<string, unknown> {
  const rest = Object.entries(body).filter(([name]) => name !== field);
  return Object.fromEntries(value === undefined ? rest : [...rest, [field, value]]);
}

test.each(withJson)(
  "$route names the one field of a body that is not valid, and writes nothing",
  patience,
  async (request) => {
    const { account, about } = await createWorld(request);
    await tries(
      fc.asyncProperty(mutationsOf(bodyOf(request) ?? {}), async (mutation) => {
        const body = mutated(about.body ?? {}, mutation);
        expect(await send(account, request, { ...about, body })).toEqual(refusal(mutation.field));
      }),
      40,
    );
    expect(await account.api.databaseRequests()).toBe(0);
  },
);

/** What can be wrong with a parameter: all is text there, and a URL cannot hold half a character. */
const wrongTexts = (request: RouteRequest) => {
  const spoilt = Object.entries(queryOf(request)).flatMap(([name, schema]) =>
    waysToSpoil(schema)
      .filter(({ what }) => !["of another type", "with half a character"].includes(what))
      .map(({ value }) => fc.tuple(fc.constant(name), value.map(String))),
  );
  const names = fc.constantFrom("__proto__", "constructor", "Limit", "limit[]", "page", "q");
  return fc.oneof(...spoilt, fc.tuple(names, fc.string()));
};

test.each(withQuery)(
  "$route names the one parameter of a query that is not valid, and reads nothing",
  patience,
  async (request) => {
    const { account, about } = await createWorld(request);
    await tries(
      fc.asyncProperty(wrongTexts(request), async ([name, text]) => {
        const path = `${pathOf(request, about.id)}?${new URLSearchParams([[name, text]])}`;
        expect(await sendTo(account, request, path, about)).toEqual(refusal(name));
      }),
      40,
    );
    expect(await account.api.databaseRequests()).toBe(0);
  },
);
