import { afterAll, expect, test } from "vitest";
import { createClient, ProblemError } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

test.each([
  ...[
    "https://api.example.org",
    "https://api.example.org:8443/hospital",
    "http://localhost:8787",
    "HTTP://LOCALHOST",
  ],
  ...["http://127.0.0.1:8787/", "http://127.1", "http://[::1]:8787"],
])("createClient takes the URL %s", (url) => {
  for (const form of [url, new URL(url)]) expect(() => createClient({ url: form })).not.toThrow();
});

test.each([
  ...[
    "http://api.example.org",
    "http://10.0.0.1",
    "http://localhost.example.org",
    "http://localhost@example.org",
  ],
  ...[
    "http://127.0.0.1.example.org",
    "http://0.0.0.0",
    "ftp://localhost",
    "file:///api",
    "javascript:alert(1)",
  ],
])("createClient refuses the URL %s, because passwords and tokens are sent there", (url) => {
  expect(() => createClient({ url })).toThrow(
    new TypeError("The API's URL must begin with https:// (or http:// for localhost, 127.0.0.1 or [::1])."),
  );
});

test.each(["", "/api", "api.example.org", undefined, null])(
  "createClient refuses %j, which is no URL",
  (url) => {
    expect(() => createClient({ url: url as string })).toThrow(new TypeError("The API's URL is not a URL."));
  },
);

const redirectError = {
  name: "ProblemError",
  detail: expect.stringMatching(/^The API's URL redirects to another URL/),
};

test.each([301, 302, 303, 307, 308])(
  "a redirect with status %i fails the call at once, and nothing reaches the other origin",
  async (status) => {
    const { tokens } = await signUp(served.origin);
    const other = await openGateway(served.origin);
    const redirect = { status, headers: { Location: `${other.origin}/api/auth/login/` } };
    const gateway = await openGateway(served.origin, ...Array(4).fill(redirect));
    const client = createClient({ url: gateway.origin, tokens, retry: { delay: 1 } });
    for (const call of [
      () => client.login({ username: "ada", password: "correct horse battery" }),
      () => client.refresh(),
      () => client.me(),
      () => client.patients.import({ csv: "firstname" }),
    ])
      await expect(call()).rejects.toMatchObject({ ...redirectError, status });
    expect(gateway.requests).toHaveLength(4);
    expect(other.requests).toEqual([]);
    // The session is still there: a wrong URL does not end it.
    expect(client.tokens).toEqual(tokens);
  },
);

const responseWith = (properties: object) =>
  Object.defineProperties(
    new Response("{}"),
    Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, { value }])),
  );

test.each([
  ["that a browser hides", { type: "opaqueredirect", status: 0 }, 307],
  ["that the program's own fetch has followed", { redirected: true }, 200],
])("a redirect %s fails the call and is not retried", async (_, properties, status) => {
  let sent = 0;
  const fetch = async () => {
    sent += 1;
    return responseWith(properties);
  };
  const client = createClient({ url: "https://api.test", fetch, retry: { delay: 1 } });
  const problem = await client.patients.get(1).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ ...redirectError, status });
  expect(sent).toBe(1);
});

const calls: [name: string, call: (client: ReturnType<typeof createClient>, id: number) => unknown][] = [
  ["patients.get", ({ patients }, id) => patients.get(id)],
  ["patients.replace", ({ patients }, id) => patients.replace(id, {})],
  ["patients.update", ({ patients }, id) => patients.update(id, {})],
  ["patients.delete", ({ patients }, id) => patients.delete(id)],
  ["patients.history", ({ patients }, id) => patients.history(id).pages().next()],
  ["patients.accesses", ({ patients }, id) => patients.accesses(id).pages().next()],
  ["patients.restore", ({ patients }, id) => patients.restore(id)],
  ["patients.transfer", ({ patients }, id) => patients.transfer(id, 1, "The nurse has left.")],
  ["patients.merge", ({ patients }, id) => patients.merge(id, { into: 1 })],
  ["patients.unmerge", ({ patients }, id) => patients.unmerge(id)],
  ["patients.erase", ({ patients }, id) => patients.erase(id, "Request 2026-117 to erase it.")],
  ["patients.open", ({ patients }, id) => patients.open(id, "Nobody else is here.")],
  ["doctors.get", ({ doctors }, id) => doctors.get(id)],
  ["doctors.delete", ({ doctors }, id) => doctors.delete(id)],
  ["doctors.schedule.get", ({ doctors }, id) => doctors.schedule.get(id)],
  ["doctors.slots", ({ doctors }, id) => doctors.slots(id, { from: "", to: "" }).first()],
  ["doctors.absences.list", ({ doctors }, id) => doctors.absences.list(id).first()],
  ["absences.get", ({ absences }, id) => absences.get(id)],
  ["absences.delete", ({ absences }, id) => absences.delete(id)],
  ["appointments.cancel", ({ appointments }, id) => appointments.cancel(id)],
  ["calendarFeeds.delete", ({ calendarFeeds }, id) => calendarFeeds.delete(id)],
  ["assignments.ofPatient", ({ assignments }, id) => assignments.ofPatient(id)],
  ["assignments.delete", ({ assignments }, id) => assignments.delete(id)],
  ["accounts.get", ({ accounts }, id) => accounts.get(id)],
  ["accounts.update", ({ accounts }, id) => accounts.update(id, {})],
  ["accounts.signOut", ({ accounts }, id) => accounts.signOut(id)],
  ["invitations.withdraw", ({ invitations }, id) => invitations.withdraw(id)],
];

function clientThatMustNotSend() {
  const fetch = () => expect.unreachable();
  return createClient({ url: "https://api.test", fetch });
}

test.each(calls)(
  "%s throws a TypeError for an id that is not a positive integer, and sends nothing",
  async (_, call) => {
    const client = clientThatMustNotSend();
    for (const id of [
      "../accounts/3",
      "7",
      "7?x",
      "",
      null,
      undefined,
      [7],
      0,
      -1,
      1.5,
      Number.NaN,
      2 ** 53,
      7n,
    ])
      await expect((async () => call(client, id as number))()).rejects.toThrow(
        new TypeError("An id must be a positive integer."),
      );
  },
);

test("sessions.end throws a TypeError for an id that is not a UUID, and sends nothing", async () => {
  const { sessions } = clientThatMustNotSend();
  for (const id of ["", ".", "..", "../../accounts/3", "7", `${crypto.randomUUID()}/`, undefined])
    await expect(sessions.end(id as string)).rejects.toThrow(
      new TypeError("The id of a session must be a UUID."),
    );
});
