import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { sizeLimit, tooLarge } from "./failure.ts";

/**
 * Reads a request's body as text.
 *
 * @throws Refusal, 413, when it is over the limit: the rest of it is read and thrown away, so that the client
 *   gets to see the answer
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= sizeLimit) chunks.push(chunk);
  }
  if (length > sizeLimit) throw tooLarge.request();
  return Buffer.concat(chunks).toString("utf8");
}

export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...headers, "Content-Type": contentType, "Content-Length": length }).end(body);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  send(response, status, "application/json", body, headers);
}
