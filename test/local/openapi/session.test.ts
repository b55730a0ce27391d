import { afterEach, expect, test, vi } from "vitest";

// The session of the reference page, when somebody logs in or out while a request is under way.

const url = new URL("../../../openapi/page/session.js", import.meta.url).href;
const origin = "https://api.test";

const pairOf = (name: string, expires_in: number) => ({
  access: name,
  refresh: `${name}-refresh`,
  expires_in,
});
const ok = (body: object) => Response.json(body);

/** A response that arrives when the test says so. */
function heldResponse() {
  const { promise, resolve } = Promise.withResolvers<Response>();
  return { promise, resolve };
}

/** The page's session, with these responses by path. */
async function openSessionOf(responses: Record<string, (request: Request) => Response | Promise<Response>>) {
  vi.stubGlobal("fetch", async (input: string | Request, init?: RequestInit) => {
    const request = new Request(input instanceof Request ? input : new URL(input, origin), init);
    const respond = responses[new URL(request.url).pathname];
    if (!respond) throw new Error(`Unexpected request of ${request.url}`);
    return respond(request);
  });
  vi.resetModules();
  return import(/* @vite-ignore */ url);
}
afterEach(() => vi.unstubAllGlobals());

const patients = (access: string) =>
  [`${origin}/api/patients/`, { headers: { Authorization: `Bearer ${access}` } }] as const;

test.each([
  ["a login of another account", "eve"],
  ["a logout", undefined],
])("%s while the token is renewed is not undone by the response", async (_, next) => {
  const refresh = heldResponse();
  const logins = [pairOf("ada", 1), pairOf("eve", 900)];
  const page = await openSessionOf({
    "/api/auth/login/": () => ok(logins.shift() as object),
    "/api/auth/refresh/": () => refresh.promise,
    "/api/auth/logout/": () => new Response(null, { status: 204 }),
    "/api/patients/": () => ok([]),
  });
  await page.logIn("ada", "x");
  const reading = page.fetchWithSession(...patients("ada"));
  if (next) await page.logIn(next, "x");
  else await page.fetchWithSession(`${origin}/api/auth/logout/`, { method: "POST", body: "{}" });
  refresh.resolve(ok(pairOf("ada-2", 900)));
  await reading;
  expect(page.currentSession()?.access).toBe(next);
  expect(page.currentSession()?.username).toBe(next);
});

test("a 401 for the token of an earlier session does not end the session of a later login", async () => {
  const answer = heldResponse();
  const logins = [pairOf("ada", 900), pairOf("eve", 900)];
  const page = await openSessionOf({
    "/api/auth/login/": () => ok(logins.shift() as object),
    "/api/patients/": () => answer.promise,
  });
  await page.logIn("ada", "x");
  const reading = page.fetchWithSession(...patients("ada"));
  await page.logIn("eve", "x");
  answer.resolve(new Response("{}", { status: 401 }));
  expect((await reading).status).toBe(401);
  expect(page.currentSession()).toMatchObject({ access: "eve", username: "eve" });
});
