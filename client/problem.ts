/** What a problem says beside its status; as RFC 9457 names it, and this API's `errors` and `request_id`. */
interface ProblemDetails {
  type?: string;
  title?: string;
  detail?: string;
  errors?: Record<string, string[]>;
  request_id?: string;
}

/**
 * Why a call did not give what it promises: the API's answer was an error, or somebody else's was, such as a proxy's; or
 * there was none, and then `status` is 0 and `cause` says why.
 */
export class ProblemError extends Error {
  override name = "ProblemError";
  /** The answer's HTTP status; 0 when there was no answer, or not all of it. */
  readonly status: number;
  readonly type: string;
  readonly title: string;
  /** What is wrong, in a sentence to a person. */
  readonly detail: string | undefined;
  /** What is wrong with each field, all of it, by the field's path; empty when it is not about fields. */
  readonly errors: Record<string, string[]>;
  /** Names the request in the API's log. */
  readonly requestId: string | undefined;
  /** How many seconds the API asks to wait before the next attempt. */
  readonly retryAfter: number | undefined;
  /** The answer's headers. */
  readonly headers: Headers;

  constructor(
    details: ProblemDetails,
    { status, headers }: ResponseInit & { headers?: Headers } = {},
    cause?: unknown,
  ) {
    const { type = "about:blank", title = status ? `HTTP ${status}` : "No answer", detail } = details;
    super(detail ?? title, { cause });
    this.status = status ?? 0;
    this.type = type;
    this.title = title;
    this.detail = detail;
    this.errors = details.errors ?? {};
    this.headers = headers ?? new Headers();
    this.requestId = details.request_id ?? this.headers.get("X-Request-Id") ?? undefined;
    this.retryAfter = secondsUntil(this.headers.get("Retry-After"));
  }
}

/** What is wrong with an answer that is a success, but not the API's: of a network that wants one to log in first. */
export const foreign = (response: Response, cause?: unknown): ProblemError =>
  new ProblemError({ detail: "The answer is not the API's." }, response, cause);

/** The problem that an answer of 400 and more is, also when it is not the API's own. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  return new ProblemError(detailsIn(text, response.headers.get("Content-Type")), response);
}

function detailsIn(text: string, type: string | null): ProblemDetails {
  if (!type?.startsWith("application/problem+json")) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {}; // somebody else's after all; the status says enough
  }
}

/** Whatever was thrown on the way to an answer, as a problem: there was no answer, or not all of it. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  // Node's fetch says why in the error's cause.
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new ProblemError(
    { detail: `The API did not answer: ${reason instanceof Error ? reason.message : reason}` },
    {},
    error,
  );
}

/** `Retry-After` in seconds from now: it holds either those or a date (RFC 9110, section 10.2.3). */
function secondsUntil(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
