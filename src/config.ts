import { isSecureUrl, SECURE_URL_RULE } from "./local-host.ts";
import * as z from "./zod.ts";

const MINUTES_PER_DAY = 24 * 60;

/** A key of HS256 must be at least as long as its hash, 32 bytes (RFC 7518, section 3.2). */
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

/** The connection string, with its password, is sent there. */
const Endpoint = z.string().check(z.refine(isSecureUrl, SECURE_URL_RULE));

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

/** A number in a binding. Wrangler's `[vars]` may hold numbers; secrets and `.dev.vars` hold text. */
const parseNumber = z.transform((value) =>
  typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value,
);
const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  const isInRange = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  return z.pipe(parseNumber, z.custom<number>(isInRange, message));
};

/** `true` or `false` in a binding, as a boolean or as text. */
const booleanText = z.pipe(
  z.union([z.boolean(), z.enum(["true", "false"])], "must be true or false"),
  z.transform((value) => value === true || value === "true"),
);

/** Whether a name is that of a time zone, by the Worker's data. It is also true of `+03:00`. */
export const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
};
const TimeZone = z
  .string()
  .check(z.refine(isTimeZone, "must be the name of a time zone, such as UTC or Europe/Berlin"));

const Config = z.object({
  /** The connection string of the PostgreSQL database, for Neon's driver. */
  DATABASE_URL: PostgresUrl,
  /** The HTTP endpoint for SQL. Without it, the driver uses the Neon host of `DATABASE_URL`. */
  DATABASE_ENDPOINT: z.optional(Endpoint),
  /**
   * The deadline of a statement in milliseconds, after which the client gets a 503. A retried one shares it between
   * both attempts.
   */
  DATABASE_TIMEOUT_MS: z._default(wholeNumber(100, 60_000), 10_000),
  /** Signs access tokens. The keys of cursors and refresh tokens are derived from it. */
  JWT_SECRET: Secret,
  /**
   * The previous secret. Access tokens and cursors made with it are accepted while `JWT_SECRET` is being replaced.
   */
  JWT_SECRET_PREVIOUS: z.optional(Secret),
  /** The key of the audit log's digests is derived from it; without it, from `JWT_SECRET`. */
  AUDIT_KEY: z.optional(Secret),
  JWT_ISSUER: z._default(z.string().check(z.minLength(1)), "hospital-api"),
  JWT_AUDIENCE: z._default(z.string().check(z.minLength(1)), "hospital-api"),
  /** After how many days a session expires, counted from its login. */
  SESSION_DAYS: z._default(wholeNumber(1, 365), 30),
  /** After how many minutes without a refresh it expires. Without it, `SESSION_IDLE_DAYS` counts. */
  SESSION_IDLE_MINUTES: z.optional(wholeNumber(5, 365 * MINUTES_PER_DAY)),
  /** The same in days, as version 1.1 has it. */
  SESSION_IDLE_DAYS: z._default(wholeNumber(1, 365), 7),
  /** Who may register: anybody, people with an invitation, or nobody. A forgotten setting lets nobody in. */
  REGISTRATION: z._default(z.enum(["open", "invitation", "closed"]), "invitation"),
  /** The fewest characters of a new password. */
  PASSWORD_MIN_LENGTH: z._default(wholeNumber(8, 64), 8),
  /** The cost of bcrypt: the binary logarithm of its rounds. */
  BCRYPT_COST: z._default(wholeNumber(4, 14), 10),
  /** The origins that CORS allows, separated by commas; `*` for all. */
  CORS_ORIGINS: z.pipe(
    z._default(z.string(), ""),
    z.transform((list) => list.split(",").flatMap((origin) => origin.trim() || [])),
  ),
  /** The time zone whose date decides the ages of patients, as IANA names it. */
  TIME_ZONE: z._default(TimeZone, "UTC"),
  /** Who may read a patient of another clinic in an emergency: admins, or also clinicians of shared clinics. */
  EMERGENCY_ACCESS: z._default(z.enum(["admins", "members"]), "admins"),
  /** Whether changing or deleting a record requires `If-Match`. */
  REQUIRE_IF_MATCH: z._default(booleanText, false),
  /** Registrations and logins, by network. */
  REGISTER_LIMITER: Limiter,
  LOGIN_LIMITER: Limiter,
  /** Refreshes and logouts, by session; those with a token of another origin, by network. */
  REFRESH_LIMITER: Limiter,
  /** Requests with an access token, by session: fewer than `ACCOUNT_LIMITER` allows. */
  SESSION_LIMITER: Limiter,
  /** The same requests, by account. */
  ACCOUNT_LIMITER: Limiter,
  /** Imports and exports of patients, by account. */
  IMPORT_EXPORT_LIMITER: Limiter,
  /** Requests of `/readyz`, by network. */
  READY_LIMITER: Limiter,
  /** Requests of calendars, by network. */
  CALENDAR_LIMITER: Limiter,
});

/** The bindings of `wrangler.toml`, `.dev.vars` and the deployed secrets, before validation. */
export type Bindings = Record<keyof typeof Config.shape, unknown>;

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {}
  }
}

/** The validated bindings, with their defaults. */
export type Config = z.infer<typeof Config>;

/**
 * The origins that CORS allows. They are read apart from the rest, so that a browser can read the error of a Worker
 * with another wrong binding.
 */
export const readCorsOrigins = ({ CORS_ORIGINS }: Bindings): string[] =>
  Config.shape.CORS_ORIGINS.safeParse(CORS_ORIGINS).data ?? [];

/** After how many minutes without a refresh a session expires. */
export const sessionIdleMinutes = ({ SESSION_IDLE_MINUTES, SESSION_IDLE_DAYS }: Config): number =>
  SESSION_IDLE_MINUTES ?? SESSION_IDLE_DAYS * MINUTES_PER_DAY;

/**
 * A function that computes its result once for each configuration and then returns the same one, for as long as the
 * isolate lives.
 */
export function memoizePerConfig<Result>(compute: (config: Config) => Result): (config: Config) => Result {
  const results = new WeakMap<Config, { value: Result }>();
  return (config) => {
    const result = results.get(config) ?? { value: compute(config) };
    results.set(config, result);
    return result.value;
  };
}

/** Names each binding that is missing or wrong and says what it must be. It never holds a value. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}

const configByBindings = new WeakMap<object, Config>();

/**
 * The Worker's configuration, parsed once for each bindings object: workerd passes the same one to all requests.
 *
 * @throws {ConfigurationError} when a binding is missing or wrong.
 */
export function readConfig(bindings: Bindings): Config {
  const cached = configByBindings.get(bindings);
  if (cached) return cached;
  const result = Config.safeParse(bindings, { reportInput: true });
  if (!result.success) {
    const errors = result.error.issues.map(
      ({ path, input, message }) => `${path.join(".")} ${input === undefined ? "is missing" : message}`,
    );
    throw new ConfigurationError(`The Worker is not configured: ${errors.join("; ")}.`);
  }
  configByBindings.set(bindings, result.data);
  return result.data;
}
