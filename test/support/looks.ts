import { type List, pageAfter } from "./pages.ts";

/** A page of a list, as it is asked for. */
export type Look = { list: List; asked: Record<string, string | number>; path: string };

/** The filters of each list, with what they are for here. */
export const filters: Record<List, Record<string, string | number>> = {
  patients: { search: "ada", gender: "F", min_age: 1, max_age: 99, doctor: 7 },
  doctors: { search: "house", specialization: "NEUR", patient: 7 },
  mappings: { patient: 7, doctor: 7 },
};
const keys: Record<string, string | null> = {
  id: null,
  lastname: "lovelace ada",
  created_at: "2020-01-01T00:00:00.000Z",
};

/** A place in the middle of all lists. */
const FAR = 50_000;

/** What can be asked of a list: no filter, each and all of them. */
export const asking = (list: List) => [
  {},
  ...Object.entries(filters[list]).map(([name, value]) => ({ [name]: value })),
  filters[list],
];
export const pagesOf = (list: List, asked: Look["asked"][]): Promise<Look>[] =>
  Object.keys(keys)
    .filter((sort) => list !== "mappings" || sort !== "lastname")
    .flatMap((sort) => [sort, `-${sort}`])
    .flatMap((sort) => asked.map((filter) => ({ ...filter, sort })))
    .flatMap((asked) => [first(list, asked), far(list, asked)]);

async function first(list: List, asked: Look["asked"]): Promise<Look> {
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
  return { list, asked, path: `/api/${list}/?limit=50&${query}` };
}

async function far(list: List, asked: Look["asked"]): Promise<Look> {
  const key = keys[String(asked["sort"]).replace("-", "")] ?? null;
  return { list, asked, path: await pageAfter(list, FAR, 50, asked, key) };
}
