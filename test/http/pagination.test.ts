import { describe, expect, test } from "vitest";
import { PageQuery } from "../../src/http/pagination.ts";
import { newAccount } from "../support/accounts.ts";
import { fill, idsOf, lists, nextOf, pageAfter, pagesFrom } from "../support/pages.ts";
import { refusal } from "../support/problems.ts";
import { recordStatements } from "../support/statements.ts";

const isValid = (query: Record<string, string>) => PageQuery.safeParse(query).success;
const encoded = (text: string) => btoa(text).replaceAll("=", "");

test("a limit is a whole number from 1 to 200, and 50 when left out", () => {
  expect(["1", "2", "199", "200"].filter((limit) => !isValid({ limit }))).toEqual([]);
  const bad = ["0", "201", "-1", "abc", "1.5", "1e1", "+1", "", " ", "0x10", "99999999999"];
  expect(bad.filter((limit) => isValid({ limit }))).toEqual([]);
  expect(PageQuery.parse({})).toMatchObject({ size: 50 });
});

test("a cursor is one that this API made, to the letter", () => {
  const good = ["after-0", "after-5", "after-2147483647"].map(encoded);
  expect(good.filter((cursor) => !isValid({ cursor }))).toEqual([]);
  const raw = ["", "abc", "5", "-1", "after-5", "\0", "🩺", "====", "';--", "x".repeat(5000)];
  const numbers = ["after-", "after--1", "after-1.5", "after-01", "after-2147483648", "1"];
  const made = [...numbers, "after-1 OR 1=1", " after-1", "after-1\n"].map(encoded);
  const bad = [...raw, btoa("after-1"), ...made, encoded("after-123").toLowerCase()];
  expect(bad.filter((cursor) => isValid({ cursor }))).toEqual([]);
});

test("the same parameter twice is refused, and each that is wrong is named", async () => {
  const { get } = await newAccount();
  expect(await get("/api/patients/?limit=0&cursor=x")).toEqual(refusal("limit", "cursor"));
  expect(await get("/api/patients/?limit=1&limit=2")).toEqual(refusal("limit"));
});

describe.each(lists)("the list of %s", (list) => {
  /** An account with records of its own, and the page that begins with them. */
  async function filled(count: number, limit: number) {
    const account = await newAccount();
    const ids = await fill(list, account, count);
    return { account, ids, start: pageAfter(list, (ids[0] ?? 0) - 1, limit) };
  }

  test("has 50 records on a page when no limit is given, in order of id, and a link to the next", async () => {
    const { account, ids, start } = await filled(51, 50);
    const page = await account.get(start.replace("limit=50&", ""));
    expect(idsOf(page)).toEqual(ids.slice(0, 50));
    expect(nextOf(page)).toBe(pageAfter(list, ids[49] ?? 0, 50));
  });

  test("has 200 at most, and no link when they are exactly what is left", async () => {
    const { account, ids, start } = await filled(200, 200);
    const page = await account.get(start);
    expect(idsOf(page)).toEqual(ids);
    expect(nextOf(page)).toBeUndefined();
  });

  test("is visited whole, each record once and in order, while records are added and removed between pages", async () => {
    const { account, ids, start } = await filled(10, 2);
    const visited: number[] = [];
    let added: number[] = [];
    for await (const page of pagesFrom(account, start)) {
      visited.push(...idsOf(page));
      // The record that the cursor stands at, and once one that has not been visited yet.
      await account.delete(`/api/${list}/${idsOf(page).at(-1)}/`);
      if (added.length > 0) continue;
      await account.delete(`/api/${list}/${ids[5]}/`);
      added = await fill(list, account, 2);
    }
    expect(visited).toEqual([...ids.filter((id) => id !== ids[5]), ...added]);
  });

  test("links with its path as it was asked, and with nothing else that the client wrote into the query", async () => {
    const { account, ids, start } = await filled(3, 2);
    const asked = `${start.replace("/?", "?")}&name=Grace%20Hopper`;
    const next = pageAfter(list, ids[1] ?? 0, 2).replace("/?", "?");
    expect(nextOf(await account.get(asked))).toBe(next);
    const head = await account.request("HEAD", asked);
    expect([head.status, head.body, nextOf(head)]).toEqual([200, "", next]);
  });

  test("takes the same statement for every page, with no OFFSET and no count", async () => {
    const { account, start } = await filled(5, 2);
    const statements = await recordStatements(async () => {
      for await (const page of pagesFrom(account, start)) expect(page.status).toBe(200);
    });
    expect(statements).toHaveLength(3);
    expect(new Set(statements.map(({ query }) => query)).size).toBe(1);
    expect(statements[0]?.query).toMatch(/\blimit \$\d/i);
    expect(statements[0]?.query).not.toMatch(/\boffset\b|count\s*\(/i);
  });
});

test.each(["patients", "mappings"] as const)(
  "a cursor of another's %s shows nothing of them",
  async (list) => {
    const other = await newAccount();
    await fill(list, other, 3);
    const next = nextOf(await other.get(`/api/${list}/?limit=1`)) ?? "";
    const { status, body } = await (await newAccount()).get(next);
    expect({ status, body }).toEqual({ status: 200, body: [] });
  },
);
