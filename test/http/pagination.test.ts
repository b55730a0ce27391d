import { describe, expect, test } from "vitest";
import { PatientsQuery } from "../../src/patients/contract.ts";
import { newAccount } from "../support/accounts.ts";
import { fill, idsOf, lists, nextOf, pageAfter, pagesFrom } from "../support/pages.ts";
import { refusal } from "../support/problems.ts";
import { recordStatements } from "../support/statements.ts";

const isValid = (query: Record<string, string>) => PatientsQuery.safeParse(query).success;

test("a limit is a whole number from 1 to 200, and 50 when left out", () => {
  expect(["1", "2", "199", "200"].filter((limit) => !isValid({ limit }))).toEqual([]);
  const bad = ["0", "201", "-1", "abc", "1.5", "1e1", "+1", "", " ", "0x10", "99999999999"];
  expect(bad.filter((limit) => isValid({ limit }))).toEqual([]);
  expect(PatientsQuery.parse({})).toEqual({ limit: 50 });
});

test("the same parameter twice is refused, and each that is wrong is named", async () => {
  const { get } = await newAccount();
  expect(await get("/api/patients/?limit=0&cursor=&sort=age")).toEqual(refusal("cursor", "limit", "sort"));
  expect(await get("/api/patients/?limit=1&limit=2")).toEqual(refusal("limit"));
});

test.each(lists)(
  "a parameter that the list of %s does not know is 400 and names those that it knows",
  async (list) => {
    const account = await newAccount();
    for (const query of ["gendre=F", "page=2", "offset=1", "count=true", "Limit=1"]) {
      const answer = await account.get(`/api/${list}/?${query}`);
      const [name = ""] = query.split("=");
      expect(answer).toEqual(refusal(name));
      expect(answer.body.errors[name]).toEqual([
        expect.stringMatching(/^Unknown: this list knows limit, cursor, sort, .*(patient|doctor)/),
      ]);
    }
    expect(await account.api.databaseRequests()).toBe(0);
  },
);

describe("a cursor", () => {
  test("that this list has not given is 400, and asks nothing of the database", async () => {
    const account = await newAccount();
    const of = async (list: (typeof lists)[number]) =>
      new URLSearchParams((await pageAfter(list, 5, 1)).split("?")[1]).get("cursor") ?? "";
    const good = await of("patients");
    const changed = good.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    const made = [btoa("after-5"), "x", "A".repeat(60), "🩺", "=".repeat(50), "x".repeat(5000)];
    for (const cursor of [...made, changed, good.slice(0, -2), good.toLowerCase(), await of("doctors")]) {
      const answer = await account.get(`/api/patients/?cursor=${encodeURIComponent(cursor)}`);
      expect([cursor, answer]).toEqual([cursor, refusal("cursor")]);
    }
    expect(await account.api.databaseRequests()).toBe(0);
    expect((await account.get(`/api/patients/?cursor=${good}`)).status).toBe(200);
  });

  test("says to nobody what it holds", async () => {
    const account = await newAccount();
    await fill("patients", account, 2);
    const next = nextOf(await account.get("/api/patients/?limit=1&search=lovelace&sort=lastname")) ?? "";
    const bytes = Uint8Array.fromBase64(new URLSearchParams(next.split("?")[1]).get("cursor") ?? "", {
      alphabet: "base64url",
    });
    expect(next + new TextDecoder("latin1").decode(bytes)).not.toMatch(/lovelace|lastname/i);
  });

  test("goes on with the filters and the order it was given for, and with no others", async () => {
    const account = await newAccount();
    const ids = await fill("patients", account, 3);
    const next = nextOf(await account.get("/api/patients/?limit=1&gender=F&sort=-id")) ?? "";
    for (const again of ["", "&gender=F", "&sort=-id", "&gender=F&sort=-id"])
      expect(idsOf(await account.get(`${next}${again}`))).toEqual([ids[1]]);
    expect(await account.get(`${next}&gender=M`)).toEqual(refusal("gender"));
    expect(await account.get(`${next}&sort=id&min_age=3`)).toEqual(refusal("min_age", "sort"));
  });
});

describe.each(lists)("the list of %s", (list) => {
  /** An account with records of its own, and the page that begins with them. */
  async function filled(count: number, limit: number) {
    const account = await newAccount();
    const ids = await fill(list, account, count);
    return { account, ids, start: await pageAfter(list, (ids[0] ?? 0) - 1, limit) };
  }

  test("has 50 records on a page when no limit is given, in order of id, and a link to the next", async () => {
    const { account, ids, start } = await filled(51, 50);
    const page = await account.get(start.replace("limit=50&", ""));
    expect(idsOf(page)).toEqual(ids.slice(0, 50));
    expect(idsOf(await account.get(nextOf(page) ?? ""))[0]).toBe(ids[50]);
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

  test("links with its path as it was asked, for HEAD too", async () => {
    const { account, start } = await filled(3, 2);
    const linked = (slash: string) => new RegExp(`^/api/${list}${slash}\\?limit=2&cursor=[\\w-]+$`);
    expect(nextOf(await account.get(start))).toMatch(linked("/"));
    const [asked, next] = [start.replace("/?", "?"), linked("")];
    expect(nextOf(await account.get(asked))).toMatch(next);
    const head = await account.request("HEAD", asked);
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(nextOf(head)).toMatch(next);
  });

  test("takes the same statement for every page, with no OFFSET and no count", async () => {
    const { account, start } = await filled(5, 2);
    const statements = await recordStatements(async () => {
      for await (const page of pagesFrom(account, start)) expect(page.status).toBe(200);
    });
    expect(statements).toHaveLength(3);
    expect(new Set(statements.map(({ query }) => query)).size).toBe(1);
    expect(statements[0]?.query).toMatch(/\blimit \$\d/i);
    // OFFSET 0 skips nothing: it is how PostgreSQL is told to plan a part by itself.
    expect(statements[0]?.query).not.toMatch(/\boffset (?!0\b)|count\s*\(/i);
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
