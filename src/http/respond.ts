import type { Context, TypedResponse } from "hono";
import { accepts } from "hono/accepts";
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

/** The range that accepts everything, unless its quality is 0. */
const ACCEPTS_ANYTHING = /\*\/\*(?! *; *q=0(?:\.0+)? *(?:,|$))/;

/**
 * The media type that the client prefers; the first one when it prefers none (RFC 9110, section 12.5.1).
 *
 * @throws {Problem} 406 when it accepts none of them.
 */
export function negotiateMediaType<Type extends string>(c: Context, types: [Type, ...Type[]]): Type {
  const acceptsAnything = ACCEPTS_ANYTHING.test(c.req.header("Accept") ?? "*/*");
  const preferred = accepts(c, {
    header: "Accept",
    supports: types,
    default: acceptsAnything ? types[0] : "",
  });
  const type = types.find((one) => one === preferred);
  if (!type) throw new Problem("not_acceptable", `This is available as ${types.join(" or ")}.`);
  return type;
}
