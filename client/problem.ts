import type { AppointmentRule, AppointmentStatus, FieldErrorCode, ProblemCode } from "./types.ts";

/**
 * The fields of an RFC 9457 problem that this API sends, apart from `status`; all but `type`, `title` and `detail` are its
 * own.
 */
interface ProblemDetails {
  type?: string;
  title?: string;
  code?: ProblemCode;
  detail?: string;
  errors?: Record<string, string[]>;
  error_codes?: Record<string, FieldErrorCode[]>;
  existing?: number;
  duplicates?: number[];
  successor?: number;
  system?: string;
  rules?: AppointmentRule[];
  next_free?: { starts_at: string; ends_at: string }[];
  appointment_status?: AppointmentStatus;
  appointments?: number[];
  others?: number;
  request_id?: string;
}

/**
 * Why a call failed. Either the response was an error, of the API or of a proxy on the way; or it was not from the
 * API at all, although its status says success; or there was no response, and then `status` is 0 and `cause` is the
 * reason.
 */
export class ProblemError extends Error {
  override name = "ProblemError";
  /** The response's HTTP status; 0 when there was no response, or only a part of it. */
  readonly status: number;
  /** A URI for the kind of problem; `about:blank` when the status says it all. */
  readonly type: string;
  /** The name of the kind of problem, such as `Bad Request`. */
  readonly title: string;
  /**
   * What kind of problem it is, for programs. A later version of the API may send other codes. `undefined` when the
   * response was not the API's.
   */
  readonly code: ProblemCode | undefined;
  /** What is wrong, in a sentence for people. */
  readonly detail: string | undefined;
  /** All messages about each invalid field, by the field's path; empty when the problem is not about fields. */
  readonly errors: Record<string, string[]>;
  /** The codes of each invalid field, by the same paths as `errors` and in the same order as its messages. */
  readonly errorCodes: Record<string, FieldErrorCode[]>;
  /** With the code `email_taken` or `identifier_taken`: the id of the record that has it, if the API names it. */
  readonly existing: number | undefined;
  /** With the code `possible_duplicate`: the ids of the patients that the new one looks like, the best first. */
  readonly duplicates: number[] | undefined;
  /** With the code `merged`: the id of the patient that this one is part of now. */
  readonly successor: number | undefined;
  /** With the code `identifier_taken` or `receiver_has_identifier`: the name of its system, if the API names it. */
  readonly system: string | undefined;
  /** With the code `not_bookable`: all rules that the appointment would break. */
  readonly rules: AppointmentRule[] | undefined;
  /** With the code `not_bookable`: up to three slots that are free instead. */
  readonly nextFree: { starts_at: string; ends_at: string }[] | undefined;
  /** With the code `invalid_transition`: the status of the appointment. */
  readonly appointmentStatus: AppointmentStatus | undefined;
  /** With the code `open_appointments` or `appointments_overlap`: the ids of those that you can see. */
  readonly appointments: number[] | undefined;
  /** With the code `open_appointments`: how many more there are. */
  readonly others: number | undefined;
  /** The id of the request in the API's log. */
  readonly requestId: string | undefined;
  /** How many seconds the API asks to wait before the next attempt. */
  readonly retryAfter: number | undefined;
  /** The response's headers; empty when there was no response. */
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
    this.code = details.code;
    this.detail = detail;
    this.errors = details.errors ?? {};
    this.errorCodes = details.error_codes ?? {};
    this.existing = details.existing;
    this.duplicates = details.duplicates;
    this.successor = details.successor;
    this.system = details.system;
    this.rules = details.rules;
    this.nextFree = details.next_free;
    this.appointmentStatus = details.appointment_status;
    this.appointments = details.appointments;
    this.others = details.others;
    this.headers = headers ?? new Headers();
    this.requestId = details.request_id ?? this.headers.get("X-Request-Id") ?? undefined;
    this.retryAfter = secondsUntil(this.headers.get("Retry-After"));
  }
}

/** The error for a successful response that is not from the API, such as the login page of a public network. */
export const unexpectedResponse = (response: Response, cause?: unknown): ProblemError =>
  new ProblemError({ detail: "The response is not from the API." }, response, cause);

/** The error for a redirect. Its status is never 0, although a browser hides it: another attempt would not help. */
export const redirectProblem = ({ status, headers }: Response): ProblemError =>
  new ProblemError(
    {
      detail:
        "The API's URL redirects to another URL, which the client does not follow. Give it the right URL.",
    },
    { status: status || 307, headers },
  );

/**
 * Turns a response with a status of 400 or more into an error. The response may be a proxy's, without problem
 * details.
 */
export async function problemOfResponse(response: Response): Promise<ProblemError> {
  const text = await response.text();
  return new ProblemError(parseDetails(text, response.headers.get("Content-Type")), response);
}

function parseDetails(text: string, type: string | null): ProblemDetails {
  if (!type?.startsWith("application/problem+json")) return {};
  try {
    return JSON.parse(text) ?? {}; // a gateway may send `null`
  } catch {
    return {}; // not from the API after all; the status says enough
  }
}

/**
 * Turns anything thrown while a response was awaited or read into a `ProblemError`: one with status 0, unless it is
 * one.
 */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  // Node's fetch gives the reason in the error's cause.
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new ProblemError(
    { detail: `The API did not answer: ${reason instanceof Error ? reason.message : reason}` },
    {},
    error,
  );
}

/**
 * Reads `Retry-After`, which holds a number of seconds or a date (RFC 9110, section 10.2.3). @returns seconds from
 * now
 */
function secondsUntil(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
