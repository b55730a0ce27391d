import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClient, type RetryOptions, type Tokens } from "../../client/index.ts";

// Pauses, timeouts and deadlines, with a fake clock and without a network: each time is exact on any machine.

const START = Date.parse("2026-01-01T00:00:00Z");

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Milliseconds since the test began. */
const elapsed = (): number => Date.now() - START;

const status = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers });
const success = () => Response.json({ status: "ok" });

/** A client whose requests get these responses in order. Requests after the last one get no answer. */
function clientOf(responses: Response[], retry?: RetryOptions, tokens?: Tokens) {
  /** When each request was sent, in milliseconds since the test began. */
  const sentAt: number[] = [];
  const fetch = (_: unknown, { signal }: RequestInit = {}): Promise<Response> => {
    sentAt.push(elapsed());
    const response = responses.shift();
    if (response) return Promise.resolve(response);
    return new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  };
  return { sentAt, client: createClient({ url: "https://api.test", fetch, retry, tokens }) };
}

/** Runs a call to its end on the fake clock. @returns its error, and the time at which it came */
async function failureOf(call: Promise<unknown>): Promise<{ error: unknown; at: number }> {
  const failure = call.then(
    () => ({ error: undefined, at: elapsed() }),
    (error: unknown) => ({ error, at: elapsed() }),
  );
  await vi.runAllTimersAsync();
  return failure;
}

test.each([
  ["0", 0, [0, 0, 0, 0]],
  ["1/2", 0.5, [150, 300, 600, 1200]],
  ["3/4", 0.75, [225, 450, 900, 1800]],
])(
  "by default a call is sent 5 times; the pauses start at 300 ms, double, and are multiplied by a random %s",
  async (_, random, pauses) => {
    vi.mocked(Math.random).mockReturnValue(random);
    const { sentAt, client } = clientOf(Array.from({ length: 6 }, () => status(502)));
    expect((await failureOf(client.me())).error).toMatchObject({ status: 502 });
    expect(sentAt.slice(1).map((time, i) => time - (sentAt[i] ?? 0))).toEqual(pauses);
  },
);

test("attempts, delay and maxDelay set the number of requests and the pauses", async () => {
  const retry = { attempts: 6, delay: 40, maxDelay: 100 };
  const { sentAt, client } = clientOf(
    Array.from({ length: 7 }, () => status(502)),
    retry,
  );
  expect((await failureOf(client.me())).error).toMatchObject({ status: 502 });
  expect(sentAt).toEqual([0, 20, 60, 110, 160, 210]);
});

test.each([
  ["seconds", "1", 1000],
  ["a date", new Date(START + 2000).toUTCString(), 2000],
  ["a date in the past", new Date(START - 2000).toUTCString(), 0],
])("Retry-After in %s is waited in addition to the random pause", async (_, retryAfter, wait) => {
  const { sentAt, client } = clientOf([status(429, { "Retry-After": retryAfter }), success()]);
  expect((await failureOf(client.me())).error).toBeUndefined();
  expect(sentAt).toEqual([0, wait + 150]);
});

test("a Retry-After beyond the deadline makes the call throw at once", async () => {
  const { sentAt, client } = clientOf([status(429, { "Retry-After": "60" })]);
  expect(await failureOf(client.me())).toMatchObject({ error: { status: 429, retryAfter: 60 }, at: 0 });
  expect(sentAt).toEqual([0]);
});

test("an attempt ends after its timeout, and the call is sent again", async () => {
  const { sentAt, client } = clientOf([], { timeout: 200, attempts: 2, delay: 40 });
  const failure = await failureOf(client.me());
  expect(failure).toMatchObject({ error: { status: 0, cause: { name: "TimeoutError" } }, at: 420 });
  expect(sentAt).toEqual([0, 220]);
});

test("all attempts and pauses of a call end after the deadline", async () => {
  const { sentAt, client } = clientOf([], { attempts: 9, delay: 0, timeout: 200, deadline: 500 });
  const failure = await failureOf(client.me());
  expect(failure).toMatchObject({ error: { status: 0, cause: { name: "TimeoutError" } }, at: 500 });
  expect(sentAt).toEqual([0, 200, 400]);
});

test("a refresh ends after 25 s, before the API takes a second use of its token for theft (30 s)", async () => {
  const tokens = { access: "a", refresh: "r", expiresAt: START };
  const { sentAt, client } = clientOf([], { timeout: 20_000, deadline: 60_000 }, tokens);
  expect(await failureOf(client.me())).toMatchObject({ error: { status: 0 }, at: 25_000 });
  expect(sentAt).toEqual([0, 20_150]);
});

test("an abort ends a call at once: before it, in a request, and in a pause", async () => {
  const reason = new Error("the page was left");
  const before = clientOf([success()]);
  await expect(before.client.me({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(before.sentAt).toEqual([]);
  for (const responses of [[], [status(429, { "Retry-After": "5" })]]) {
    const { sentAt, client } = clientOf(responses);
    const page = new AbortController();
    const begin = elapsed();
    const ending = client.me({ signal: page.signal }).catch((error: unknown) => [error, elapsed() - begin]);
    await vi.advanceTimersByTimeAsync(200);
    page.abort(reason);
    await vi.advanceTimersByTimeAsync(0);
    expect(await ending).toEqual([reason, 200]);
    await vi.runAllTimersAsync();
    expect(sentAt).toEqual([begin]);
  }
});
