import { cursorParam } from "../http/pagination.ts";
import { strictQuery } from "../http/query.ts";
import * as z from "../zod.ts";

/** The most changes of one response. */
export const MAX_CHANGES = 500;

/** `since`: the cursor of an earlier response. Without it the feed starts with everything. */
export const ChangesQuery = z.lazy(() => strictQuery({ since: cursorParam }));
