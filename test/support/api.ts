import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { requireDocumented } from "./openapi-conformance.ts";
import { workerDatabase } from "./worker-database.ts";

export const JWT_SECRET = "a secret of at least thirty-two bytes, for tests";

/**
 * The rate limiters of wrangler.toml. Nothing else of `env` is used: it has the values of the developer's .dev.vars.
 */
export const limiters = {
  REGISTER_LIMITER: env.REGISTER_LIMITER as RateLimit,
  LOGIN_LIMITER: env.LOGIN_LIMITER as RateLimit,
  REFRESH_LIMITER: env.REFRESH_LIMITER as RateLimit,
  SESSION_LIMITER: env.SESSION_LIMITER as RateLimit,
  READY_LIMITER: env.READY_LIMITER as RateLimit,
  CALENDAR_LIMITER: env.CALENDAR_LIMITER as RateLimit,
  // Limits that tests of all routes exceed on purpose. test/auth/rate-limits.test.ts tests those of wrangler.toml.
  ACCOUNT_LIMITER: { limit: async () => ({ success: true }) } as RateLimit,
  IMPORT_EXPORT_LIMITER: { limit: async () => ({ success: true }) } as RateLimit,
};

/** What a test can send in addition to a path and a JSON body. */
export interface Options {
  token?: string;
  headers?: Record<string, string>;
  /** Sent unchanged, instead of the JSON body. */
  raw?: BodyInit;
  /** Called when the headers of the response are there and its body is not read yet. */
  onHeaders?: () => Promise<unknown>;
}

/** A response; a JSON body is parsed. */
export interface ApiResponse {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts what is in it
  body: any;
}

export type Api = ReturnType<typeof connectApi>;

/**
 * Calls the API with a client address, a count of database requests and database faults that no other test shares.
 *
 * @param bindings settings of the Worker that differ from those of the other tests.
 */
export function connectApi(bindings: Record<string, unknown> = {}) {
  const channel = `${workerDatabase.endpointOrigin}/channels/${crypto.randomUUID()}`;
  const address = crypto.randomUUID();
  const settings = {
    ...limiters,
    DATABASE_URL: workerDatabase.databaseUrl,
    DATABASE_ENDPOINT: `${channel}/sql`,
    JWT_SECRET,
    BCRYPT_COST: 4,
    REGISTRATION: "open",
    ...bindings,
  };
  let counted = 0;

  async function request(
    method: string,
    path: string,
    body?: unknown,
    options: Options = {},
  ): Promise<ApiResponse> {
    const headers = new Headers({ "CF-Connecting-IP": address });
    if (options.token) headers.set("Authorization", `Bearer ${options.token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    const init = { method, headers, body: options.raw ?? (body === undefined ? null : JSON.stringify(body)) };
    const context = createExecutionContext();
    const url = new URL(`https://api.test${path}`);
    const response = await worker.fetch(new Request(url, init), settings, context);
    await options.onHeaders?.();
    await waitOnExecutionContext(context);
    // With its byte order mark, which `response.text()` would leave out.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      await response.arrayBuffer(),
    );
    requireDocumented({
      method,
      url,
      sent: body,
      status: response.status,
      headers: response.headers,
      text,
    });
    const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text ? JSON.parse(text) : text,
    };
  }

  return {
    /** The client address of its requests. */
    address,
    /** The environment of the Worker. */
    bindings: settings,
    ...callsOf(request),

    /** Returns how many requests this API has sent to the database endpoint since the last call. */
    async databaseRequests(): Promise<number> {
      const { requests } = await (await fetch(channel)).json<{ requests: number }>();
      const since = requests - counted;
      counted = requests;
      return since;
    },

    /**
     * Makes the database endpoint fail in one of the ways of `local/endpoint/faults.ts`, or answer late. `{}` ends
     * that.
     */
    async disturbDatabase(disturbance: Record<string, unknown>): Promise<void> {
      const response = await fetch(channel, { method: "PUT", body: JSON.stringify(disturbance) });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

type Send = (method: string, path: string, body?: unknown, options?: Options) => Promise<ApiResponse>;

/** Returns `request` and a shorter function for each method. */
export const callsOf = (request: Send) => ({
  request,
  get: (path: string, options?: Options) => request("GET", path, undefined, options),
  post: (path: string, body?: unknown, options?: Options) => request("POST", path, body, options),
  put: (path: string, body?: unknown, options?: Options) => request("PUT", path, body, options),
  patch: (path: string, body?: unknown, options?: Options) => request("PATCH", path, body, options),
  delete: (path: string, options?: Options) => request("DELETE", path, undefined, options),
});
