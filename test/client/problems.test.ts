import { afterAll, expect, test } from "vitest";
import { createClient, ProblemError } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { freePort } from "../support/setup.ts";
import { badGateway, openGateway } from "./gateway.ts";
import { signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

test("an answer that is not the API's throws a ProblemError: a proxy's error, and a 200 with another content", async () => {
  const gateway = await openGateway(
    served.origin,
    { ...badGateway, headers: { ...badGateway.headers, "X-Request-Id": "r-1" } },
    ...Array(5).fill({ status: 200, body: "<h1>Log in to the Wi-Fi</h1>" }),
    { status: 200, body: "{}" },
  );
  const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { attempts: 1 } });
  const error = await client.me().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({
    status: 502,
    title: "HTTP 502",
    code: undefined,
    detail: undefined,
    errors: {},
    errorCodes: {},
    requestId: "r-1",
  });
  const { patients } = client;
  for (const call of [
    () => client.me(),
    () => patients.delete(1),
    () => patients.export().next(),
    () => patients.exportAs("csv"),
    () => patients.list().pages().next(),
    () => patients.list().pages().next(),
  ])
    await expect(call()).rejects.toMatchObject({
      name: "ProblemError",
      status: 200,
      detail: "The response is not from the API.",
    });
});

test("a refresh whose answer has no tokens throws a ProblemError, and the client keeps its tokens", async () => {
  const saved: unknown[] = [];
  for (const body of ["{}", "null", '{"access":"a"}', '{"access":1,"refresh":2,"expires_in":3}']) {
    const gateway = await openGateway(served.origin, { status: 200, body });
    const { tokens } = await signUp(served.origin);
    const onTokens = (next: unknown) => saved.push(next);
    const client = createClient({ url: gateway.origin, tokens, onTokens, retry: { attempts: 1 } });
    await expect(client.refresh()).rejects.toMatchObject({
      name: "ProblemError",
      status: 200,
      detail: "The response is not from the API.",
    });
    expect([client.tokens, saved]).toEqual([tokens, []]);
    await client.me();
  }
});

test("a problem that is null has the status and nothing else", async () => {
  const headers = { "Content-Type": "application/problem+json" };
  const gateway = await openGateway(served.origin, { status: 403, body: "null", headers });
  const client = createClient({ url: gateway.origin, tokens: api.tokens });
  await expect(client.me()).rejects.toMatchObject({ status: 403, title: "HTTP 403", code: undefined });
});

test("a call without an answer throws a ProblemError with status 0 and the cause", async () => {
  const client = createClient({
    url: `http://127.0.0.1:${await freePort()}`,
    retry: { attempts: 2, delay: 1 },
  });
  const problem = await client.health().catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ status: 0, title: "No answer", cause: expect.any(TypeError) });
});
