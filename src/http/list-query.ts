import * as z from "../zod.ts";
import { optional, wholeNumber } from "./fields.ts";

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

const limit = z._default(wholeNumber(1, MAX_LIMIT), DEFAULT_LIMIT);
const cursor = z.optional(z.string().check(z.minLength(1)));

/**
 * The query of pages, and what `filters` they know. A parameter that is not known is an error, for a mistyped filter
 * must never answer with everybody.
 */
export function pageQuery<Filters extends z.core.$ZodShape>(filters: Filters) {
  const known = ["limit", "cursor", ...Object.keys(filters)];
  const error: z.core.$ZodErrorMap = ({ code }) =>
    code === "unrecognized_keys" ? `Unknown: this list knows ${known.join(", ")}` : undefined;
  return z.lazy(() => z.strictObject({ limit, cursor, ...optional(filters) }, { error }));
}

/** The query of a list that can be had in several orders. */
export function listQuery<Filters extends z.core.$ZodShape, Sort extends string>(
  filters: Filters,
  sorts: Sort[],
) {
  const backwards = sorts.map((sort) => `-${sort}` as const);
  return pageQuery({ sort: z.enum([...sorts, ...backwards]), ...filters });
}

/** What every list takes; and its filters. */
export type ListQuery = { limit: number; cursor?: string | undefined; sort?: string | undefined };
