import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import { Problem } from "./problems.ts";
import { respond } from "./respond.ts";

/** For making something: a key of the client's own, so that it may send the same again and nothing is made twice. */
export const IdempotencyKey = z.object({
  "Idempotency-Key": z.optional(
    z.string().check(z.regex(/^[!-~]{1,255}$/, "Must be 1 to 255 visible ASCII characters")),
  ),
});

/**
 * Answers with what was made, or with what an earlier request with the same key had made
 * (draft-ietf-httpapi-idempotency-key-header-07).
 *
 * @throws {Problem} 422 when the key came with another request before
 */
export function respondWithMade<Shape, Status extends 200 | 201 = 201>(
  { body, replayed, mistaken }: { body: Json<Shape> | null; replayed: boolean; mistaken: boolean },
  headers: Record<string, string> = {},
  status = 201 as Status,
) {
  if (mistaken) throw new Problem(422, "This Idempotency-Key came with another request before.");
  if (body === null) throw new Error("What was to be made is not there.");
  const answer = respond<Shape, Status>(body, status, headers);
  if (replayed) answer.headers.set("Idempotency-Replayed", "true");
  return answer;
}
