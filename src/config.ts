import * as z from "./zod.ts";

/** 32 bytes: a key of HS256 must be at least as long as its hash (RFC 7518, section 3.2). */
const MIN_SECRET_BYTES = 32;

const PostgresUrl = z.string().check(
  z.refine((text) => {
    const url = URL.parse(text);
    return (
      url !== null &&
      /^postgres(ql)?:$/.test(url.protocol) &&
      url.hostname &&
      url.username &&
      url.pathname.length > 1
    );
  }, "must look like postgresql://user:password@host/database"),
);

const Secret = z
  .string()
  .check(
    z.refine(
      (text) => new TextEncoder().encode(text).length >= MIN_SECRET_BYTES,
      `must be at least ${MIN_SECRET_BYTES} bytes long`,
    ),
  );

const Limiter = z.custom<RateLimit>(
  (binding) => typeof binding === "object" && binding !== null && "limit" in binding,
  "must be a [[ratelimits]] binding in wrangler.toml",
);

/** A number in a binding: Wrangler's `[vars]` may hold numbers, secrets and `.dev.vars` are text. */
const numberOf = z.transform((value) =>
  typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value,
);
const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  const isIt = (value: unknown) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  return z.pipe(numberOf, z.custom<number>(isIt, message));
};

/** The same for yes and no. */
const flag = z.pipe(
  z.union([z.boolean(), z.enum(["true", "false"])], "must be true or false"),
  z.transform((value) => value === true || value === "true"),
);

const Config = z.object({
  /** The PostgreSQL database, as Neon's driver takes it. */
  DATABASE_URL: PostgresUrl,
  /** Where SQL is sent over HTTP; left out, the driver asks the Neon host of `DATABASE_URL`. */
  DATABASE_ENDPOINT: z.optional(z.url({ protocol: /^https?$/ })),
  /** How long one statement may take before the client is told 503, in milliseconds; both attempts, when it may be sent twice. */
  DATABASE_TIMEOUT_MS: z._default(wholeNumber(100, 60_000), 10_000),
  /** Signs access tokens. */
  JWT_SECRET: Secret,
  /** The one before it: what it has signed is still accepted while the secret is being replaced. */
  JWT_SECRET_PREVIOUS: z.optional(Secret),
  JWT_ISSUER: z._default(z.string().check(z.minLength(1)), "hospital-api"),
  JWT_AUDIENCE: z._default(z.string().check(z.minLength(1)), "hospital-api"),
  /** How long a session lives from its login, in days, however often it is refreshed. */
  SESSION_DAYS: z._default(wholeNumber(1, 365), 30),
  /** How long it lives when it is not refreshed, in days. */
  SESSION_IDLE_DAYS: z._default(wholeNumber(1, 365), 7),
  /** Who may register: anybody, who has an invitation, or nobody. */
  REGISTRATION: z._default(z.enum(["open", "invitation", "closed"]), "open"),
  /** bcrypt's cost: the logarithm of its rounds. */
  BCRYPT_COST: z._default(wholeNumber(4, 14), 10),
  /** Origins whose pages may call, separated by commas; `*` for all. */
  CORS_ORIGINS: z.pipe(
    z._default(z.string(), ""),
    z.transform((list) => list.split(",").flatMap((origin) => origin.trim() || [])),
  ),
  /** Whether a change of a record is refused that does not say, by If-Match, which version of it was seen. */
  REQUIRE_IF_MATCH: z._default(flag, false),
  /** Attempts to register and to log in, by network. */
  REGISTER_LIMITER: Limiter,
  LOGIN_LIMITER: Limiter,
  /** Attempts to refresh: by token, and those with tokens that are none of ours by network. */
  REFRESH_LIMITER: Limiter,
  /** Requests with an access token, by account. */
  ACCOUNT_LIMITER: Limiter,
  /** Requests of `/readyz`, by network. */
  READY_LIMITER: Limiter,
});

/** The bindings of `wrangler.toml`, `.dev.vars` and the deployed secrets, as they come. */
export type Bindings = Record<keyof typeof Config.shape, unknown>;

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {}
  }
}

/** The bindings, checked, with their defaults. */
export type Config = z.infer<typeof Config>;

/** What is made of a configuration once, for as long as an isolate lives. */
export function perConfig<Made>(make: (config: Config) => Made): (config: Config) => Made {
  const all = new WeakMap<Config, { made: Made }>();
  return (config) => {
    const known = all.get(config) ?? { made: make(config) };
    all.set(config, known);
    return known.made;
  };
}

/** Names every binding that is missing or wrong and says what it must be; never holds a value. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}

const parsed = new WeakMap<object, Config>();

/**
 * The Worker's configuration, parsed once for each isolate.
 *
 * @throws {ConfigurationError} when a binding is missing or wrong.
 */
export function configuration(bindings: Bindings): Config {
  const known = parsed.get(bindings);
  if (known) return known;
  const result = Config.safeParse(bindings, { reportInput: true });
  if (!result.success) {
    const faults = result.error.issues.map(
      ({ path, input, message }) => `${path.join(".")} ${input === undefined ? "is missing" : message}`,
    );
    throw new ConfigurationError(`The Worker is not configured: ${faults.join("; ")}.`);
  }
  parsed.set(bindings, result.data);
  return result.data;
}
