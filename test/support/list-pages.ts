import { type List, pageAfter } from "./pages.ts";

/** A page of a list: its query parameters and its path. */
export type ListPage = { list: List; asked: Record<string, string | number>; path: string };

/** The filters of each list, with a value for each. */
export const listFilters: Record<List, Record<string, string | number>> = {
  patients: {
    search: "ada",
    gender: "F",
    min_age: 1,
    max_age: 99,
    doctor: 7,
    email: "ada@example.org",
    phone: "+442079460958",
    updated_since: "2019-01-01T00:00:00Z",
    identifier: "fill-1:F7",
  },
  doctors: { search: "house", specialization: "NEUR", patient: 7, updated_since: "2019-01-01T00:00:00Z" },
  mappings: { patient: 7, doctor: 7 },
  appointments: {
    ...{ patient: 7, doctor: 7, status: "fulfilled" },
    ...{ from: "2019-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z" },
  },
};
/** The sort orders of each list. */
const sorts: Record<List, string[]> = {
  patients: ["id", "lastname", "created_at", "updated_at"],
  doctors: ["id", "lastname", "created_at", "updated_at"],
  mappings: ["id", "created_at"],
  appointments: ["id", "starts_at"],
};
/** A record in the middle of every list (`large-tables.ts`). */
const FAR = 25_000;
const keys: Record<string, string | null> = {
  id: null,
  lastname: "lovelace ada",
  created_at: "2020-01-01T00:00:00.000Z",
  updated_at: "2020-01-01T00:00:00.000Z",
  // An appointment was as many minutes ago as its id says.
  starts_at: new Date(Date.now() - FAR * 60_000).toISOString(),
};

/** The filters to try on a list: none, each of them, all of them. */
export const filterCombinations = (list: List) => [
  {},
  ...Object.entries(listFilters[list]).map(([name, value]) => ({ [name]: value })),
  listFilters[list],
];
/** The first page and one in the middle, in every order, for each of the given filters. */
export const listPages = (list: List, asked: ListPage["asked"][]): Promise<ListPage>[] =>
  sorts[list]
    .flatMap((sort) => [sort, `-${sort}`])
    .flatMap((sort) => asked.map((filter) => ({ ...filter, sort })))
    .flatMap((asked) => [first(list, asked), far(list, asked)]);

async function first(list: List, asked: ListPage["asked"]): Promise<ListPage> {
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
  return { list, asked, path: `/api/${list}/?limit=50&${query}` };
}

async function far(list: List, asked: ListPage["asked"]): Promise<ListPage> {
  const key = keys[String(asked["sort"]).replace("-", "")] ?? null;
  return { list, asked, path: await pageAfter(list, FAR, 50, asked, key) };
}
