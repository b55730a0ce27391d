import type { CreateResult } from "../db/query/idempotent-create.ts";
import * as z from "../zod.ts";
import { Problem } from "./problems.ts";
import { respondJson } from "./respond.ts";

/**
 * The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a request with it can be retried
 * safely.
 */
export const IdempotencyKey = z.object({
  "Idempotency-Key": z.optional(
    z.string().check(z.regex(/^[!-~]{1,255}$/, "Must be 1 to 255 visible ASCII characters")),
  ),
});

/**
 * Responds with what was created, or with the stored response of an earlier request with the same key.
 *
 * @throws {Problem} 422 when the key was used before with a different request.
 */
export function respondCreated<Shape, Status extends 200 | 201 = 201>(
  { body, isReplayed, keyReusedWithDifferentRequest }: CreateResult<Shape>,
  headers: Record<string, string> = {},
  status = 201 as Status,
) {
  if (keyReusedWithDifferentRequest)
    throw new Problem(422, "This Idempotency-Key was already used for a different request.");
  if (body === null) throw new Error("A creating statement returned no body.");
  const response = respondJson<Shape, Status>(body, status, headers);
  if (isReplayed) response.headers.set("Idempotency-Replayed", "true");
  return response;
}
