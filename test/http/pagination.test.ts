import { describe, expect, test } from "vitest";
import { PatientsQuery } from "../../src/patients/requests.ts";
import { newAccount } from "../support/accounts.ts";
import { deleteRecord, idsOf, insertRecords, lists, nextOf, pageAfter, pagesFrom } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";
import { recordStatements } from "../support/statements.ts";

const isValid = (query: Record<string, string>) => PatientsQuery.safeParse(query).success;

test("limit is a whole number from 1 to 200 and 50 by default", () => {
  expect(["1", "2", "199", "200"].filter((limit) => !isValid({ limit }))).toEqual([]);
  const bad = ["0", "201", "-1", "abc", "1.5", "1e1", "+1", "", " ", "0x10", "99999999999"];
  expect(bad.filter((limit) => isValid({ limit }))).toEqual([]);
  expect(PatientsQuery.parse({})).toEqual({ limit: 50 });
});

test("a repeated parameter gets 400, and every invalid parameter is named", async () => {
  const { get } = await newAccount();
  expect(await get("/api/patients/?limit=0&cursor=&sort=age")).toEqual(
    fieldProblem("cursor", "limit", "sort"),
  );
  expect(await get("/api/patients/?limit=1&limit=2")).toEqual(fieldProblem("limit"));
});

test.each(lists)(
  "an unknown parameter of the list of %s gets 400, which names the known ones",
  async (list) => {
    const account = await newAccount();
    for (const query of ["gendre=F", "page=2", "offset=1", "count=true", "Limit=1"]) {
      const answer = await account.get(`/api/${list}/?${query}`);
      const [name = ""] = query.split("=");
      expect(answer).toEqual(fieldProblem(name));
      expect(answer.body.errors[name]).toEqual([
        expect.stringMatching(
          /^Unknown parameter: this route accepts limit, cursor, sort, .*(patient|doctor)/,
        ),
      ]);
    }
    expect(await account.api.databaseRequests()).toBe(0);
  },
);

test("a page after the longest names is reached by its Link, whose cursor has at most 4,096 characters", async () => {
  const nurse = await newAccount();
  // U+FDFA is one character, and 18 in the sort key.
  const name = "\ufdfa".repeat(64);
  const names = { firstname: name, lastname: name };
  const [first, second] = [await postPatient(nurse, names), await postPatient(nurse, names)];
  const page = await nurse.get(`/api/patients/?sort=lastname&limit=1&search=${encodeURIComponent(name)}`);
  expect(page.body).toEqual([first]);
  const next = nextOf(page) ?? "";
  const cursor = new URLSearchParams(next.split("?")[1]).get("cursor") ?? "";
  expect(cursor.length).toBeGreaterThan(1024);
  expect((await nurse.get(next)).body).toEqual([second]);
  expect(await nurse.get(`/api/patients/?cursor=${"x".repeat(4097)}`)).toEqual(fieldProblem("cursor"));
});

describe("a cursor", () => {
  test("that is altered or of another list gets 400 without a database request", async () => {
    const account = await newAccount();
    const of = async (list: (typeof lists)[number]) =>
      new URLSearchParams((await pageAfter(list, 5, 1)).split("?")[1]).get("cursor") ?? "";
    const good = await of("patients");
    const changed = good.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    const invented = [btoa("after-5"), "x", "A".repeat(60), "🩺", "=".repeat(50), "x".repeat(5000)];
    for (const cursor of [...invented, changed, good.slice(0, -2), good.toLowerCase(), await of("doctors")]) {
      const answer = await account.get(`/api/patients/?cursor=${encodeURIComponent(cursor)}`);
      expect([cursor, answer]).toEqual([cursor, fieldProblem("cursor")]);
    }
    expect(await account.api.databaseRequests()).toBe(0);
    expect((await account.get(`/api/patients/?cursor=${good}`)).status).toBe(200);
  });

  test("does not show what it holds", async () => {
    const account = await newAccount();
    await insertRecords("patients", account, 2);
    const next = nextOf(await account.get("/api/patients/?limit=1&search=lovelace&sort=lastname")) ?? "";
    const bytes = Uint8Array.fromBase64(new URLSearchParams(next.split("?")[1]).get("cursor") ?? "", {
      alphabet: "base64url",
    });
    expect(next + new TextDecoder("latin1").decode(bytes)).not.toMatch(/lovelace|lastname/i);
  });

  test("continues with its own filters and order, and refuses others", async () => {
    const account = await newAccount();
    const ids = await insertRecords("patients", account, 3);
    const next = nextOf(await account.get("/api/patients/?limit=1&gender=F&sort=-id")) ?? "";
    for (const query of ["", "&gender=F", "&sort=-id", "&gender=F&sort=-id"])
      expect(idsOf(await account.get(`${next}${query}`))).toEqual([ids[1]]);
    expect(await account.get(`${next}&gender=M`)).toEqual(fieldProblem("gender"));
    expect(await account.get(`${next}&sort=id&min_age=3`)).toEqual(fieldProblem("min_age", "sort"));
  });
});

describe.each(lists)("the list of %s", (list) => {
  /** An account with records of its own, and the path of the page that begins with them. */
  async function newFilledAccount(count: number, limit: number) {
    const account = await newAccount();
    const ids = await insertRecords(list, account, count);
    return { account, ids, start: await pageAfter(list, (ids[0] ?? 0) - 1, limit) };
  }

  test("has 50 records on a page by default, in order of id, and a link to the next", async () => {
    const { account, ids, start } = await newFilledAccount(51, 50);
    const page = await account.get(start.replace("limit=50&", ""));
    expect(idsOf(page)).toEqual(ids.slice(0, 50));
    expect(idsOf(await account.get(nextOf(page) ?? ""))[0]).toBe(ids[50]);
  });

  test("has up to 200 records on a page, and no link when no more are left", async () => {
    const { account, ids, start } = await newFilledAccount(200, 200);
    const page = await account.get(start);
    expect(idsOf(page)).toEqual(ids);
    expect(nextOf(page)).toBeUndefined();
  });

  test("is read whole, each record once and in order, while records are added and deleted between pages", async () => {
    const { account, ids, start } = await newFilledAccount(10, 2);
    const visited: number[] = [];
    let added: number[] = [];
    for await (const page of pagesFrom(account, start)) {
      visited.push(...idsOf(page));
      // The last record of the page, which the cursor names, and once a record of a later page.
      await deleteRecord(list, account, idsOf(page).at(-1));
      if (added.length > 0) continue;
      await deleteRecord(list, account, ids[5]);
      added = await insertRecords(list, account, 2);
    }
    expect(visited).toEqual([...ids.filter((id) => id !== ids[5]), ...added]);
  });

  test("links to the next page with the path of the request, for HEAD too", async () => {
    const { account, start } = await newFilledAccount(3, 2);
    const linked = (slash: string) => new RegExp(`^/api/${list}${slash}\\?limit=2&cursor=[\\w-]+$`);
    expect(nextOf(await account.get(start))).toMatch(linked("/"));
    const [path, next] = [start.replace("/?", "?"), linked("")];
    expect(nextOf(await account.get(path))).toMatch(next);
    const head = await account.request("HEAD", path);
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(nextOf(head)).toMatch(next);
  });

  test("calls the same function for every page", async () => {
    const { account, start } = await newFilledAccount(5, 2);
    const statements = await recordStatements(async () => {
      for await (const page of pagesFrom(account, start)) expect(page.status).toBe(200);
    });
    expect(statements).toHaveLength(3);
    expect(new Set(statements.map(({ query }) => query)).size).toBe(1);
  });
});

test.each(["patients", "mappings", "appointments"] as const)(
  "a cursor of another account's list of %s shows no records",
  async (list) => {
    const other = await newAccount();
    await insertRecords(list, other, 3);
    const next = nextOf(await other.get(`/api/${list}/?limit=1`)) ?? "";
    const { status, body } = await (await newAccount()).get(next);
    expect({ status, body }).toEqual({ status: 200, body: [] });
  },
);
