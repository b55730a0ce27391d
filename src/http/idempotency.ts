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
 * Throws when an earlier request with the same key has a response that is not sent again.
 *
 * @throws {Problem} 422 when that request was a different one; 409 when the caller may not read any more what it
 *   created.
 */
export function requireReplayable({
  keyReusedWithDifferentRequest,
  isUnreadable,
}: Pick<CreateResult<unknown>, "keyReusedWithDifferentRequest" | "isUnreadable">): void {
  if (keyReusedWithDifferentRequest)
    throw new Problem(
      "idempotency_key_reused",
      "This Idempotency-Key was already used for a different request.",
    );
  if (isUnreadable) throw new Problem("replay_unreadable", UNREADABLE);
}

const UNREADABLE =
  "An earlier request with this Idempotency-Key created this, but you cannot read it any more. Nothing was created now.";

/**
 * Responds with what was created, or with the stored response of an earlier request with the same key. Comes after
 * `requireReplayable`.
 */
export function respondCreated<Shape, Status extends 200 | 201 = 201>(
  { body, isReplayed }: CreateResult<Shape>,
  headers: Record<string, string> = {},
  status = 201 as Status,
) {
  if (body === null) throw new Error("A creating statement returned no body.");
  const response = respondJson<Shape, Status>(body, status, headers);
  if (isReplayed) response.headers.set("Idempotency-Replayed", "true");
  return response;
}
