import { describe, expect, test, vi } from "vitest";
import { connectApi } from "../support/api.ts";
import { signUp } from "../support/fixtures.ts";
import { fill, idsOf, lists, nextOf, pageAt, pagesFrom, pathOf, withLimit } from "../support/pages.ts";
import { refusal } from "../support/problems.ts";
import { recordStatements } from "../support/statements.ts";

const ascending = (ids: number[]) => ids.toSorted((a, b) => a - b);

describe.each(lists)("the list of %s", (list) => {
  const path = pathOf(list);

  /** An account with records of its own, and the page that begins with them. */
  async function filled(count: number, limit?: number) {
    const nurse = await signUp(connectApi());
    const ids = await fill(list, nurse, count);
    return { nurse, ids, start: await pageAt(nurse, list, ids[0] ?? 0, limit) };
  }

  test("has 50 records on a page when no limit is given, in order of id", async () => {
    const { nurse, start } = await filled(51);
    const page = await nurse.get(start);
    expect(page).toMatchObject({ status: 200, body: { length: 50 } });
    expect(idsOf(page)).toEqual(ascending(idsOf(page)));
    expect(nextOf(page)).toBeDefined();
  });

  test.each([1, 2, 199, 200])("has %i records on a page when the limit says so", async (limit) => {
    const { nurse, start } = await filled(limit + 1, limit);
    const page = await nurse.get(start);
    expect(page).toMatchObject({ status: 200, body: { length: limit } });
    expect(idsOf(page)).toEqual(ascending(idsOf(page)));
  });

  test.each(["0", "201", "-1", "abc", "1.5", "1e1", "+1", "", "%20", "0x10", "99999999999", "1&limit=2"])(
    "refuses limit=%s",
    async (limit) => {
      const nurse = await signUp(connectApi());
      expect(await nurse.get(`${path}?limit=${limit}`)).toEqual(refusal("limit"));
    },
  );

  test.each([
    ...["", "abc", "5", "-1", "after-5", "%00", "%F0%9F%A9%BA", "====", "%27;--", "x".repeat(5000)],
    ...["after-0", "after--1", "after-1.5", "after-", "after-01", "after-2147483648", "after-1 OR 1=1"].map(
      btoa,
    ),
    ...["before-1", "1", "null", '{"id":1}', " after-1", "after-1\n"].map(btoa),
    `${btoa("after-1")}&cursor=${btoa("after-1")}`,
  ])("refuses cursor=%s", async (cursor) => {
    const nurse = await signUp(connectApi());
    expect(await nurse.get(`${path}?cursor=${cursor}`)).toEqual(refusal("cursor"));
  });

  test("refuses a cursor of its own that was tampered with", async () => {
    const { nurse, start } = await filled(2, 1);
    const next = new URL(nextOf(await nurse.get(start)) ?? "", "https://api.test");
    const cursor = next.searchParams.get("cursor") ?? "";
    for (const tampered of [`x${cursor.slice(1)}`, cursor.slice(1), cursor.toLowerCase()]) {
      next.searchParams.set("cursor", tampered);
      expect(await nurse.get(next.pathname + next.search)).toEqual(refusal("cursor"));
    }
  });

  test("names the limit and the cursor when neither is valid", async () => {
    const nurse = await signUp(connectApi());
    expect(await nurse.get(`${path}?limit=0&cursor=x`)).toEqual(refusal("limit", "cursor"));
  });

  test("links to the next page with its whole URL and the same limit", async () => {
    const { nurse, start } = await filled(3, 2);
    const { headers } = await nurse.get(start);
    const [, href = "", rel] = /^<(.+)>; (.+)$/.exec(headers.get("Link") ?? "") ?? [];
    const url = new URL(href);
    expect({ origin: url.origin, path: url.pathname, rel }).toEqual({
      origin: "https://api.test",
      path,
      rel: 'rel="next"',
    });
    expect(url.searchParams.getAll("limit")).toEqual(["2"]);
    expect(url.searchParams.getAll("cursor")).toEqual([expect.stringMatching(/./)]);
  });

  test("links without what else the client wrote into the query", async () => {
    const { nurse, start } = await filled(3, 2);
    const { headers } = await nurse.get(`${start}&name=Grace%20Hopper`);
    expect(headers.get("Link")).not.toContain("Grace");
  });

  test("links to the next page in the answer to HEAD too", async () => {
    const { nurse, start } = await filled(3, 2);
    const head = await connectApi().request("HEAD", start, undefined, { token: nurse.access });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(nextOf(head)).toBeDefined();
    expect(nextOf(head)).toBe(nextOf(await nurse.get(start)));
  });

  test("links to no next page when the limit is exactly what is left", async () => {
    const { nurse, start } = await filled(3);
    // Others' doctors come and go: it counts when the same was left before and after.
    const exact = await vi.waitFor(async () => {
      const left = idsOf(await nurse.get(withLimit(start, 200)));
      const page = await nurse.get(withLimit(start, left.length));
      expect(idsOf(await nurse.get(withLimit(start, 200)))).toEqual(left);
      return page;
    }, 4000);
    expect(exact.body.length).toBeGreaterThanOrEqual(3);
    expect(nextOf(exact)).toBeUndefined();
  });

  test("is visited whole, each record once and in order, by following the links", async () => {
    const { nurse, ids, start } = await filled(7, 2);
    const visited: number[] = [];
    for await (const page of pagesFrom(nurse, start)) visited.push(...idsOf(page));
    expect(visited).toEqual(ascending([...new Set(visited)]));
    expect(visited.filter((id) => ids.includes(id))).toEqual(ids);
  });

  test("is visited whole while records are added and removed between pages", async () => {
    const { nurse, ids, start } = await filled(10, 2);
    const visited: number[] = [];
    let added: number[] = [];
    for await (const page of pagesFrom(nurse, start)) {
      const own = idsOf(page).filter((id) => ids.includes(id));
      visited.push(...idsOf(page));
      // The record that the cursor stands at, and once one that has not been visited yet.
      if (own.length > 0) await nurse.delete(`${path}${own.at(-1)}/`);
      if (added.length === 0) {
        await nurse.delete(`${path}${ids[5]}/`);
        added = await fill(list, nurse, 2);
      }
    }
    const there = [...ids.filter((id) => id !== ids[5]), ...added];
    expect(visited.filter((id) => ids.includes(id) || added.includes(id))).toEqual(there);
  });

  test("goes on where the next page has been emptied", async () => {
    const { nurse, ids, start } = await filled(4, 2);
    const next = nextOf(await nurse.get(start)) ?? "";
    for (const id of ids) await nurse.delete(`${path}${id}/`);
    const page = await nurse.get(next);
    expect(page.status).toBe(200);
    expect(idsOf(page).filter((id) => ids.includes(id))).toEqual([]);
  });

  test("is paged without a trailing slash as with one", async () => {
    const { nurse, start } = await filled(5, 2);
    const bare = start.replace("/?", "?");
    const second = nextOf(await nurse.get(bare)) ?? "";
    expect(second).toMatch(new RegExp(`^${path.slice(0, -1)}\\?`));
    const withSlash = await nurse.get(second.replace("?", "/?"));
    expect(withSlash.status).toBe(200);
    expect((await nurse.get(second)).body).toEqual(withSlash.body);
  });

  test("takes the same statement for every page, with no OFFSET and no count", async () => {
    const { nurse, start } = await filled(5, 2);
    const statements = await recordStatements(async () => {
      const second = nextOf(await nurse.get(start)) ?? "";
      await nurse.get(nextOf(await nurse.get(second)) ?? "");
    });
    expect(statements).toHaveLength(3);
    expect(new Set(statements.map(({ query }) => query)).size).toBe(1);
    expect(statements[0]?.query).toMatch(/\blimit \$\d/i);
    expect(statements[0]?.query).not.toMatch(/\boffset\b|count\s*\(/i);
  });
});

test.each(["patients", "mappings"] as const)(
  "a cursor from another account's %s shows nothing of them",
  async (list) => {
    const api = connectApi();
    const other = await signUp(api);
    await fill(list, other, 3);
    const next = nextOf(await other.get(`${pathOf(list)}?limit=1`)) ?? "";
    const { status, body } = await (await signUp(api)).get(next);
    expect({ status, body }).toEqual({ status: 200, body: [] });
  },
);
