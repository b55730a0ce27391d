import { afterAll, expect, test } from "vitest";
import { createClient, ProblemError } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { freePort } from "../support/setup.ts";
import { badGateway, openFront } from "./front.ts";
import { signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());
const api = await signUp(served.origin);

test("Somebody else's answer is a problem like the API's own", async () => {
  const front = await openFront(
    served.origin,
    { ...badGateway, headers: { ...badGateway.headers, "X-Request-Id": "r-1" } },
    ...Array(5).fill({ status: 200, body: "<h1>Log in to the Wi-Fi</h1>" }),
    { status: 200, body: "{}" },
  );
  const client = createClient({ url: front.origin, tokens: api.tokens, retry: { attempts: 1 } });
  const gateway = await client.me().catch((error: unknown) => error);
  expect(gateway).toBeInstanceOf(ProblemError);
  expect(gateway).toMatchObject({
    status: 502,
    title: "HTTP 502",
    detail: undefined,
    errors: {},
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
      detail: "The answer is not the API's.",
    });
});

test("No answer at all is a problem of status 0, which says why", async () => {
  const nobody = createClient({
    url: `http://127.0.0.1:${await freePort()}`,
    retry: { attempts: 2, delay: 20 },
  });
  const problem = await nobody.health().catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ status: 0, title: "No answer", cause: expect.any(TypeError) });
});
