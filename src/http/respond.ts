import type { TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Json } from "../db/statement.ts";

type JsonResponse<Shape, Status extends ContentfulStatusCode> = Response &
  TypedResponse<Shape, Status, "json">;

/** Answers with JSON that the database made, as it is; the type tells clients what it holds. */
export function respond<Shape, Status extends ContentfulStatusCode = 200>(
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
