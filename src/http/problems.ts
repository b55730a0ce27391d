import { type ReportedConstraint, uniqueViolations } from "../db/errors.ts";
import type { OpenAppointments } from "../db/query/open-appointments.ts";
import type { MergedState } from "../db/query/successor.ts";
import type { AppointmentRule } from "../db/schema/codes.ts";
import {
  type FieldErrorCode,
  type ProblemCode,
  type ProblemStatus,
  problemStatuses,
} from "./problem-codes.ts";

const titles: Record<ProblemStatus, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Why a field is not valid: for programs and for people. */
export interface FieldError {
  code: FieldErrorCode;
  message: string;
}

/** Errors by the path of their field. */
export type FieldErrors = Record<string, FieldError[]>;

/** Field errors as a response has them: the codes of a field are in the same order as its messages. */
export interface FieldErrorMembers {
  errors: Record<string, string[]>;
  error_codes: Record<string, FieldErrorCode[]>;
}

export function fieldErrorMembers(fieldErrors: FieldErrors): FieldErrorMembers {
  const fields = Object.entries(fieldErrors);
  return {
    errors: Object.fromEntries(fields.map(([field, all]) => [field, all.map(({ message }) => message)])),
    error_codes: Object.fromEntries(fields.map(([field, all]) => [field, all.map(({ code }) => code)])),
  };
}

const PROBLEM_TYPE = "application/problem+json";

/** What some problems say beyond what every problem has. */
interface ProblemMembers {
  /** The id of the patient that a merged one is part of now; only one that the caller may see. */
  successor?: number | undefined;
  /** The id of the record that a duplicate would repeat; only one that the caller may read. */
  existing?: number | undefined;
  /** The name of the identifier system of an identifier that is taken. */
  system?: string | undefined;
  /** The ids of the patients that a new one looks like; only those of the caller. */
  duplicates?: number[] | undefined;
  /** Which rules an appointment would break. */
  rules?: AppointmentRule[] | undefined;
  /** The next free slots instead. */
  next_free?: { starts_at: string; ends_at: string }[] | undefined;
  /** The status of an appointment that does not allow the change. */
  appointment_status?: string | undefined;
  /** The ids of the appointments in the way; only those that the caller may see. */
  appointments?: number[] | undefined;
  /** How many more there are, which the caller may not see. */
  others?: number | undefined;
}

/** An error response (RFC 9457). Thrown anywhere, the app's error handler sends it. */
export class Problem extends Error {
  override name = "Problem";
  readonly code: ProblemCode;
  readonly errors: FieldErrors | undefined;
  readonly headers: Record<string, string>;
  readonly members: ProblemMembers;

  /**
   * @param code decides the status.
   * @param detail what is wrong and what to do next, for people. It never holds data of a record.
   */
  constructor(
    code: ProblemCode,
    detail: string,
    {
      errors,
      headers = {},
      ...members
    }: { errors?: FieldErrors; headers?: Record<string, string> } & ProblemMembers = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = errors;
    this.headers = headers;
    this.members = members;
  }

  toResponse(requestId: string): Response {
    const { code, message: detail, errors, members } = this;
    const status = problemStatuses[code];
    return Response.json(
      {
        ...{ type: "about:blank", title: titles[status], status, code, detail },
        ...(errors && fieldErrorMembers(errors)),
        ...members,
        request_id: requestId,
      },
      { status, headers: { ...this.headers, "Content-Type": PROBLEM_TYPE } },
    );
  }
}

/** How many fields a response names at most: more than a record has. */
export const MAX_REPORTED_FIELDS = 20;

/**
 * 400 with the errors of each field that is not valid; the first 20 fields.
 *
 * @param count the number of fields that are not valid, when `errors` does not have all of them.
 */
export function validationProblem(errors: FieldErrors, count = Object.keys(errors).length): Problem {
  const subject = count === 1 ? "field is" : "fields are";
  const rest = count > MAX_REPORTED_FIELDS ? `; the first ${MAX_REPORTED_FIELDS} are named` : "";
  const reported = Object.fromEntries(Object.entries(errors).slice(0, MAX_REPORTED_FIELDS));
  return new Problem("validation_failed", `${count} ${subject} not valid${rest}.`, { errors: reported });
}

/** 400 with one error of one field. */
export const fieldProblem = (field: string, code: FieldErrorCode, message: string): Problem =>
  validationProblem({ [field]: [{ code, message }] });

/** The only text of a client that an error repeats. Any other may be a cell of a file, with a name or an email. */
const IDENTIFIER = /^[A-Za-z_]\w{0,63}$/;

/**
 * The name of an unknown field or parameter in an error: the sent one if it is a plain identifier, else `unknown_key`.
 */
export const unknownFieldName = (name: string): string => (IDENTIFIER.test(name) ? name : "unknown_key");

/** 404, the same for a record of another account and for one that never existed. */
export const notFoundProblem = (resourceName: string): Problem =>
  new Problem("not_found", `There is no such ${resourceName}.`);

/** @throws {Problem} 410 when the patient of the request was merged into another one. */
export function requireNotMerged({ successor }: MergedState): void {
  if (!successor) return;
  const headers = { Link: `</api/patients/${successor}/>; rel="successor-version"` };
  throw new Problem("merged", "This patient was merged into another one: use its successor.", {
    headers,
    successor,
  });
}

/** 409 for a duplicate that a unique constraint forbids. @param existing the id of the record that it would repeat */
export function duplicateProblem(constraint: ReportedConstraint, existing?: number): Problem {
  const { code, detail } = uniqueViolations[constraint];
  return new Problem(code, detail, { existing });
}

/**
 * @param detail says what was not done, and how to do it.
 * @throws {Problem} 409 when there are open appointments in the way
 */
export function requireNoOpenAppointments(open: OpenAppointments | null, detail: string): void {
  if (open) throw new Problem("open_appointments", detail, { ...open });
}

/** Returns `record`. @throws {Problem} 404 when it is null */
export function requireFound<Record>(record: Record | null, resourceName: string): Record {
  if (record === null) throw notFoundProblem(resourceName);
  return record;
}

/** @throws {Problem} 403 unless the caller is an admin. @param action completes "Only an admin may …". */
export function requireAdmin(isAdmin: boolean, action: string): void {
  if (!isAdmin) throw new Problem("admin_required", `Only an admin may ${action}.`);
}

/** 403: the caller's role in the clinic is too low. */
export const clinicRoleProblem = () =>
  new Problem("clinic_role_required", "Your role in this clinic does not allow this.");

/** @throws {Problem} 403 unless the caller's role in the clinic allows it */
export function requireClinicRole(isAllowed: boolean): void {
  if (!isAllowed) throw clinicRoleProblem();
}

/** @throws {Problem} 403 unless the caller is an admin or an auditor. @param action completes "… may …". */
export function requireAdminOrAuditor(isAllowed: boolean, action: string): void {
  if (!isAllowed)
    throw new Problem("admin_or_auditor_required", `Only an admin or an auditor may ${action}.`);
}

/**
 * 401 with the challenge of RFC 6750, section 3.
 *
 * @param error left out when the request has no token.
 */
export function unauthorizedProblem(code: ProblemCode, detail: string, error?: "invalid_token"): Problem {
  const challenge = `Bearer realm="hospital-api"${error ? `, error="${error}"` : ""}`;
  return new Problem(code, detail, { headers: { "WWW-Authenticate": challenge } });
}
