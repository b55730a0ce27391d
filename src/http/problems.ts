import type { ContentfulStatusCode } from "hono/utils/http-status";

const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} satisfies Partial<Record<ContentfulStatusCode, string>>;

/** Messages by the path of the field they are about. */
export type FieldErrors = Record<string, string[]>;

export const PROBLEM_TYPE = "application/problem+json";

/** An answer that is an error, as RFC 9457 has it: throw it anywhere, the app's error handler sends it. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: keyof typeof titles;
  readonly errors: FieldErrors | undefined;
  readonly headers: Record<string, string>;

  /** @param detail says what happened, to a person; never holds a record's data. */
  constructor(
    status: keyof typeof titles,
    detail: string,
    { errors, headers = {} }: { errors?: FieldErrors; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  toResponse(requestId: string): Response {
    const { status, message: detail, errors } = this;
    return Response.json(
      { type: "about:blank", title: titles[status], status, detail, errors, request_id: requestId },
      { status, headers: { ...this.headers, "Content-Type": PROBLEM_TYPE } },
    );
  }
}

/** How many fields an answer names at most: more than anybody mends at once, and than a record has. */
export const MAX_NAMED = 20;

/**
 * 400 for fields that are not valid, of which it names the first.
 *
 * @param count how many they are
 */
export function invalidFields(errors: FieldErrors, count = Object.keys(errors).length): Problem {
  const are = count === 1 ? "field is" : "fields are";
  const rest = count > MAX_NAMED ? `; the first ${MAX_NAMED} are named` : "";
  const named = Object.fromEntries(Object.entries(errors).slice(0, MAX_NAMED));
  return new Problem(400, `${count} ${are} not valid${rest}.`, { errors: named });
}

const MAX_NAME_LENGTH = 100;

/**
 * The name of a field as an answer, and PostgreSQL, can hold it, for a client may name one anyhow: well-formed, without
 * NUL, and of a long one its first 100 characters.
 */
export function shownName(name: string): string {
  // Twice as many code units have them all, and whole: a pair that is cut in two comes after them.
  const shown = [...name.slice(0, 2 * MAX_NAME_LENGTH)].slice(0, MAX_NAME_LENGTH).join("");
  const more = shown.length < name.length ? "…" : "";
  return shown.toWellFormed().replaceAll("\0", "\ufffd") + more;
}

/** 404, which says the same of another's record and of one that never was. */
export const notFound = (what: string): Problem => new Problem(404, `There is no such ${what}.`);

/** `record`. @throws {Problem} 404 when it is null */
export function requireFound<Record>(record: Record | null, what: string): Record {
  if (record === null) throw notFound(what);
  return record;
}

/** @throws {Problem} 403 unless the caller is an admin */
export function requireAdmin(isAdmin: boolean, what: string): void {
  if (!isAdmin) throw new Problem(403, `Only an admin may ${what}.`);
}

/**
 * 401 with the challenge of RFC 6750, section 3.
 *
 * @param error left out when no token was presented.
 */
export function unauthorized(detail: string, error?: "invalid_token"): Problem {
  const challenge = `Bearer realm="hospital-api"${error ? `, error="${error}"` : ""}`;
  return new Problem(401, detail, { headers: { "WWW-Authenticate": challenge } });
}
