import type { Context } from "hono";
import { ConfigurationError } from "./config.ts";
import { type DatabaseFault, databaseFault } from "./db/errors.ts";
import { CallerRevoked } from "./db/query/caller.ts";
import type { AppEnv } from "./http/context.ts";
import { logFailure } from "./http/log.ts";
import { invalidFields, Problem, unauthorized } from "./http/problems.ts";

/** How long a client should wait before it asks again for what the database could not do, in seconds. */
const RETRY_SECONDS = 5;

/** Answers whatever a handler or a middleware threw, from any layer, as a problem. */
export function onError(error: Error, c: Context<AppEnv>): Response {
  return problemOf(error, c.var.requestId).toResponse(c.var.requestId);
}

function problemOf(error: Error, requestId: string): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CallerRevoked) return refusalOf(error);
  const fault = databaseFault(error);
  if (fault) return problemOfFault(fault, requestId);
  // An error's message may hold anything that a client sent; a configuration error's holds names only.
  const message = error instanceof ConfigurationError ? error.message : undefined;
  const stack = error.stack?.replace(error.message, "").match(/^ +at .*$/gm) ?? [];
  logFailure(requestId, { error: error.name, message, stack });
  return new Problem(500, "Something went wrong on our side.");
}

function refusalOf({ mustChangePassword }: CallerRevoked): Problem {
  if (mustChangePassword)
    return new Problem(403, "This account has to change its password first: POST /api/auth/password/.");
  return unauthorized("The access token has been revoked.", "invalid_token");
}

function problemOfFault(fault: DatabaseFault, requestId: string): Problem {
  switch (fault.kind) {
    case "conflict":
      return new Problem(409, fault.detail);
    case "missing":
      return invalidFields({ [fault.field]: [`There is no such ${fault.field}.`] });
    case "invalid":
      return invalidFields({ [fault.field]: ["Not valid"] });
    case "unavailable":
      logFailure(requestId, { error: "database unavailable", code: fault.code });
      return notNow("The database did not answer.");
    case "busy":
      logFailure(requestId, { error: "database busy", code: fault.code });
      return notNow("The database was busy with the same for too long. Nothing was done; try again.");
    case "bug":
      logFailure(requestId, { error: "database refused a statement", code: fault.code });
      return new Problem(500, "Something went wrong on our side.");
  }
}

const notNow = (detail: string): Problem =>
  new Problem(503, detail, { headers: { "Retry-After": String(RETRY_SECONDS) } });
