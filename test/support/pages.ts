import type { Config } from "../../src/config.ts";
import { encryptCursor } from "../../src/http/pagination.ts";
import type { TestAccount } from "./accounts.ts";
import { type ApiResponse, JWT_SECRET } from "./api.ts";
import { asOwner } from "./owner.ts";

/** The lists. The list of doctors has those of all accounts: a test finds records of others between its own. */
export const lists = ["patients", "doctors", "mappings", "appointments"] as const;
export type List = (typeof lists)[number];

/**
 * The path of the page that begins after the record with the id `after`, in another order after that id and `key`.
 */
export async function pageAfter(
  list: List,
  after: number,
  limit: number,
  asked: Record<string, unknown> = { sort: "id" },
  key: string | null = null,
): Promise<string> {
  const config = { JWT_SECRET } as Config;
  const cursor = await encryptCursor(
    { list: `/api/${list}`, query: asked, after: { key, id: after }, names: 2 },
    config,
  );
  return `/api/${list}/?limit=${limit}&cursor=${cursor}`;
}

/** Inserts `count` records of an account at the end of a list. @returns their ids, in order */
export async function insertRecords(list: List, account: TestAccount, count: number): Promise<number[]> {
  const rows = await inserts[list](account.id, count);
  return rows.map((row) => Number(row["id"])).sort((a, b) => a - b);
}

/** Deletes a record of a list. No request deletes an appointment, but a patient that is erased takes its own along. */
export const deleteRecord = (list: List, account: TestAccount, id: number | undefined) =>
  list === "appointments"
    ? asOwner`DELETE FROM appointments WHERE id = ${id}`
    : account.delete(`/api/${list}/${id}/`);

const inserts: Record<List, (owner: number, count: number) => Promise<Record<string, unknown>[]>> = {
  patients: (owner, count) => asOwner`
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
    SELECT 'Ada', 'Lovelace', gen_random_uuid() || '@example.org', 36, 'F', ${owner}::int, ${owner}::int
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
      SELECT p.id, p.owner_id, d.id
      FROM (SELECT * FROM patients WHERE created_by = ${owner} ORDER BY id DESC LIMIT ${count}::int) p,
           (SELECT id FROM doctors WHERE created_by = ${owner} ORDER BY id DESC LIMIT 1) d
      RETURNING id`;
  },
  appointments: async (owner, count) => {
    await inserts.mappings(owner, count);
    return asOwner`
      INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, created_by)
      SELECT m.patient_id, m.owner_id, m.doctor_id, s.starts_at, s.starts_at + interval '5 minutes', 'UTC', m.owner_id
      FROM (
        SELECT *, row_number() OVER (ORDER BY id) AS n FROM mappings WHERE owner_id = ${owner} ORDER BY id DESC LIMIT ${count}::int
      ) m, LATERAL (SELECT timestamptz '2030-01-01' + n * interval '1 day' AS starts_at) s
      ORDER BY m.id RETURNING id`;
  },
};

/** The path of the next page, from the Link header. */
export function nextOf({ headers }: ApiResponse): string | undefined {
  const link = headers.get("Link");
  if (link === null) return undefined;
  const [, path] = /^<(\/[^/>][^>]*)>; rel="next"$/.exec(link) ?? [];
  if (path === undefined) throw new Error(`not a link to the next page: ${link}`);
  return path;
}

/** A query with the ids that it finds, and the same in the opposite order. */
export const bothDirections = (query: string, found: number[]): [query: string, found: number[]][] => [
  [query, found],
  [query.includes("sort=") ? query.replace("sort=", "sort=-") : `${query}&sort=-id`, found.toReversed()],
];

export const idsOf = ({ body }: ApiResponse): number[] => body.map(({ id }: { id: number }) => id);

/** More pages than any test has: a list whose links lead back to itself fails instead of running forever. */
const MAX_PAGES = 1000;

/** The pages of a list from `path` on: follows the links as a client does. */
export async function* pagesFrom(
  account: TestAccount,
  path: string | undefined,
): AsyncGenerator<ApiResponse> {
  let count = 0;
  for (let next = path; next !== undefined; count += 1) {
    if (count === MAX_PAGES) throw new Error(`${path} has more than ${MAX_PAGES} pages.`);
    const page = await account.get(next);
    yield page;
    next = nextOf(page);
  }
}
