import { once } from "node:events";
import express from "express";
import { middleware } from "express-openapi-validator";

/**
 * A reverse proxy in front of the API at `target`. It refuses requests that are not valid by the document with 400, and
 * responses with 500.
 *
 * @returns its server, which listens on a free port.
 */
export async function startProxy(apiSpec, target) {
  const app = express();
  app.use(express.json({ verify: (request, _, bytes) => Object.assign(request, { bytes }) }));
  app.use(middleware({ apiSpec, validateRequests: true, validateResponses: true }));
  app.use(async ({ method, originalUrl, headers, bytes }, response) => {
    const { authorization = "", "if-match": ifMatch } = headers;
    const answer = await fetch(`${target}${originalUrl}`, {
      method,
      headers: {
        ...(authorization ? { Authorization: authorization } : {}),
        ...(bytes ? { "Content-Type": "application/json" } : {}),
        ...(ifMatch ? { "If-Match": ifMatch } : {}),
      },
      body: bytes,
    });
    response
      .status(answer.status)
      .type(answer.headers.get("Content-Type"))
      .json(await answer.json());
  });
  app.use(({ status = 500, message }, _request, response, _next) =>
    response.status(status).json({ refusedByProxy: message }),
  );
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
