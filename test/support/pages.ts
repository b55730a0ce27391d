import type { Answer } from "./api.ts";
import { type Account, asOwner } from "./fixtures.ts";

/** The three lists. The doctors' holds everybody's, so a test finds others' records between its own. */
export const lists = ["patients", "doctors", "mappings"] as const;
export type List = (typeof lists)[number];

export const pathOf = (list: List): string => `/api/${list}/`;

/** Puts `count` records of an account at the end of a list; their ids, in order. */
export async function fill(list: List, account: Account, count: number): Promise<number[]> {
  const rows = await inserts[list](account.id, count);
  return rows.map((row) => Number(row["id"])).sort((a, b) => a - b);
}

const inserts: Record<List, (owner: number, count: number) => Rows> = {
  patients: (owner, count) => asOwner`
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
    SELECT 'Ada', 'Lovelace', gen_random_uuid() || '@example.org', 36, 'F', ${owner}::int
    FROM generate_series(1, ${count}::int) RETURNING id`,
  doctors: (owner, count) => asOwner`
    INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
    SELECT 'Gregory', 'House', gen_random_uuid() || '@example.org', 'M', 'NEUR', ${owner}::int
    FROM generate_series(1, ${count}::int) RETURNING id`,
  mappings: async (owner, count) => {
    await inserts.patients(owner, count);
    await inserts.doctors(owner, 1);
    return asOwner`
      INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT p.id, p.created_by, d.id
      FROM (SELECT * FROM patients WHERE created_by = ${owner} ORDER BY id DESC LIMIT ${count}::int) p,
           (SELECT id FROM doctors WHERE created_by = ${owner} ORDER BY id DESC LIMIT 1) d
      RETURNING id`;
  },
};
type Rows = Promise<Record<string, unknown>[]>;

/** The path of the next page that an answer links to. */
export function nextOf({ headers }: Answer): string | undefined {
  const link = headers.get("Link");
  if (link === null) return undefined;
  const [, path] = /^<https:\/\/api\.test(\/[^>]*)>; rel="next"$/.exec(link) ?? [];
  if (path === undefined) throw new Error(`not a link to the next page: ${link}`);
  return path;
}

export const idsOf = ({ body }: Answer): number[] => body.map(({ id }: { id: number }) => id);

/** A list's pages from `path` on, as a client that follows the links gets them. */
export async function* pagesFrom(account: Account, path: string | undefined): AsyncGenerator<Answer> {
  for (let next = path; next !== undefined; ) {
    const page = await account.get(next);
    yield page;
    next = nextOf(page);
  }
}

/** The same page with another limit, or with the default one. */
export function withLimit(path: string, limit?: number): string {
  const url = new URL(path, "https://api.test");
  if (limit === undefined) url.searchParams.delete("limit");
  else url.searchParams.set("limit", String(limit));
  return url.pathname + url.search;
}

/** The path of the page that begins with the record `id`, or with one that others have just put before it. */
export async function pageAt(account: Account, list: List, id: number, limit?: number): Promise<string> {
  let start = withLimit(pathOf(list), 200);
  for await (const page of pagesFrom(account, start)) {
    let before = idsOf(page).filter((other) => other < id).length;
    if (before === page.body.length) {
      start = nextOf(page) ?? start;
      continue;
    }
    for (; before > 0; before--) {
      // Others may have removed some meanwhile: then this page goes too far.
      const cut = await account.get(withLimit(start, before));
      if (Math.max(...idsOf(cut)) < id) return withLimit(nextOf(cut) ?? "", limit);
    }
    return withLimit(start, limit);
  }
  throw new Error(`no ${id} among the ${list}`);
}
