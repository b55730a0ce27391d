import type { Context } from "hono";
import { ConfigurationError } from "../config.ts";
import { classifyDatabaseError, type DatabaseFault } from "../db/errors.ts";
import { CallerRevokedError, type Refusal } from "../db/query/authenticated.ts";
import type { AppEnv } from "./context.ts";
import type { ProblemCode } from "./problem-codes.ts";
import { fieldProblem, Problem, unauthorizedProblem } from "./problems.ts";

/** The app's error handler: responds to whatever a handler or a middleware threw. */
export function handleError(error: Error, c: Context<AppEnv>): Response {
  return toProblem(error, c.get("requestId")).toResponse(c.get("requestId"));
}

function toProblem(error: Error, requestId: string): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CallerRevokedError) return revokedProblem(error);
  const fault = classifyDatabaseError(error);
  if (fault) return databaseProblem(fault, requestId);
  // The message of any other error may hold what a client sent. That of a configuration error holds names only.
  const message = error instanceof ConfigurationError ? error.message : undefined;
  const stack = error.stack?.replace(error.message, "").match(/^ +at .*$/gm) ?? [];
  logFailure(requestId, { error: error.name, message, stack });
  return internalError();
}

const internalError = () =>
  new Problem("internal_error", "Internal error. Tell the operator the request_id.");

const refusalDetails: Record<Refusal, string> = {
  token_revoked: "The access token has been revoked.",
  clinic_changed: "The session works in another clinic now: use its latest access token.",
  membership_ended:
    "Your membership in this clinic has ended. Refresh the tokens to work in your personal clinic.",
};

function revokedProblem({ mustChangePassword, isAuditor, refusal }: CallerRevokedError): Problem {
  if (mustChangePassword)
    return new Problem(
      "password_change_required",
      "Change the password of this account first: POST /api/auth/password/.",
    );
  if (isAuditor)
    return new Problem(
      "auditor_read_only",
      "An auditor may read the audit log and accounts, and nothing else.",
    );
  return unauthorizedProblem(refusal, refusalDetails[refusal], "invalid_token");
}

/** `Retry-After` of a 503, in seconds. */
const RETRY_SECONDS = 5;

const serviceUnavailable = (code: ProblemCode, detail: string): Problem =>
  new Problem(code, detail, { headers: { "Retry-After": String(RETRY_SECONDS) } });

function databaseProblem(fault: DatabaseFault, requestId: string): Problem {
  switch (fault.kind) {
    case "conflict":
      return new Problem(fault.code, fault.detail);
    case "missing":
      return fieldProblem(fault.field, "no_such_record", `There is no such ${fault.field}.`);
    case "invalid":
      return fieldProblem(fault.field, "invalid_value", "Not valid");
    case "unavailable":
      logFailure(requestId, { error: "database unavailable", code: fault.code });
      return serviceUnavailable("database_unavailable", "The database did not answer.");
    case "busy":
      logFailure(requestId, { error: "database busy", code: fault.code });
      return serviceUnavailable(
        "database_busy",
        "Timed out waiting for another update. Nothing was changed; try again.",
      );
    case "probing":
      return probingProblem();
    case "bug":
      logFailure(requestId, { error: "database refused a statement", code: fault.code });
      return internalError();
  }
}

const HOUR_SECONDS = 3600;

/** The account has asked for too many records that are not there for it. It is refused until the next full hour. */
function probingProblem(): Problem {
  const seconds = HOUR_SECONDS - (Math.floor(Date.now() / 1000) % HOUR_SECONDS);
  return new Problem(
    "probing",
    "You have asked for too many records that do not exist for you. Try again later.",
    {
      headers: { "Retry-After": String(seconds) },
    },
  );
}

/** Logs why a request failed, as one line of JSON. `fault` must hold nothing that a client sent. */
export const logFailure = (requestId: string, fault: Record<string, unknown>): void =>
  console.error(JSON.stringify({ request_id: requestId, ...fault }));
