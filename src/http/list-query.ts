import * as z from "../zod.ts";
import { wholeNumber } from "./fields.ts";

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

/**
 * The query of a list: a page of it, and what `filters` and `sorts` it knows. A parameter that it does not know is an
 * error, for a mistyped filter must never answer with everybody.
 */
export function listQuery<Filters extends z.core.$ZodShape, Sort extends string>(
  filters: Filters,
  sorts: Sort[],
) {
  const backwards = sorts.map((sort) => `-${sort}` as const);
  const known = ["limit", "cursor", "sort", ...Object.keys(filters)];
  return z.strictObject(
    {
      limit: z._default(wholeNumber(1, MAX_LIMIT), DEFAULT_LIMIT),
      cursor: z.optional(z.string().check(z.minLength(1))),
      sort: z.optional(z.enum([...sorts, ...backwards])),
      ...z.partial(z.object(filters)).shape,
    },
    {
      error: ({ code }) =>
        code === "unrecognized_keys" ? `Unknown: this list knows ${known.join(", ")}` : undefined,
    },
  );
}

/** What every list takes; and its filters. */
export type ListQuery = { limit: number; cursor?: string | undefined; sort?: string | undefined };
