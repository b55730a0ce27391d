import type { Context, TypedResponse } from "hono";
import { parseAccept } from "hono/utils/accept";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Json } from "../db/statement.ts";
import { Problem } from "./problems.ts";

type JsonResponse<Shape, Status extends ContentfulStatusCode> = Response &
  TypedResponse<Shape, Status, "json">;

/** Responds with JSON text that PostgreSQL made, unparsed. The type tells clients what it holds. */
export function respondJson<Shape, Status extends ContentfulStatusCode = 200>(
  body: Json<Shape>,
  status = 200 as Status,
  headers: Record<string, string> = {},
): JsonResponse<Shape, Status> {
  const response = new Response(body, {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
  return response as JsonResponse<Shape, Status>;
}

/**
 * Where a media range is in the order of precedence of RFC 9110, section 12.5.1; `undefined` when `type` is not in it.
 */
function specificityOf(range: string, type: string): number | undefined {
  // `*` alone is no range, but old Java clients send it.
  const ranges = ["*", "*/*", type.replace(/\/.*/, "/*"), type];
  const specificity = ranges.indexOf(range.toLowerCase());
  return specificity < 0 ? undefined : specificity;
}

/** The range that counts for a media type: the most specific one. `rank`: its place in the header. */
function matchMediaType<Type extends string>(type: Type, accepted: { type: string; q: number }[]) {
  const matches = accepted.flatMap(({ type: range, q }, rank) => {
    const specificity = specificityOf(range, type);
    return specificity === undefined ? [] : [{ type, q, specificity, rank }];
  });
  return matches.sort((a, b) => b.specificity - a.specificity)[0];
}

/**
 * The media type that the client prefers; the first one when it prefers none (RFC 9110, section 12.5.1). Parameters of
 * media types are ignored. A quality of 0 excludes a type.
 *
 * @throws {Problem} 406 when it accepts none of them.
 */
export function negotiateMediaType<Type extends string>(c: Context, types: [Type, ...Type[]]): Type {
  const accepted = parseAccept(c.req.header("Accept") ?? "");
  if (accepted.length === 0) return types[0];
  const [preferred] = types
    .flatMap((type) => matchMediaType(type, accepted) ?? [])
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q || b.specificity - a.specificity || a.rank - b.rank);
  if (!preferred) throw new Problem("not_acceptable", `This is available as ${types.join(" or ")}.`);
  return preferred.type;
}
