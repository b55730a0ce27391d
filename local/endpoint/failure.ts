import pg from "pg";

/** A request the endpoint itself refuses. */
export class Refusal extends Error {
  readonly status: number;
  /** An SQLSTATE, where there is one. */
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The endpoint's limit for a request and for an answer: the defaults of Neon's proxy, in bytes. */
export const sizeLimit = 10 * 1024 * 1024;

export const tooLarge = {
  request: () => new Refusal(413, `request is too large (max is ${sizeLimit} bytes)`),
  response: () => new Refusal(507, `response is too large (max is ${sizeLimit} bytes)`),
};

/** What Neon says of a wrong password, an unknown role and an unknown endpoint alike. */
export function authenticationFailed(user: string, because = ""): Refusal {
  return new Refusal(400, `password authentication failed for user '${user}'${because}`, "28P01");
}

/** The fields of an error's body, after PostgreSQL's own, in the order Neon's proxy writes them. */
const fields = [
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "severity",
  "where",
  "table",
  "column",
  "schema",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

/** Status and JSON body for whatever a request failed with: every field is there, absent ones are null. */
export function failureAnswer(error: unknown): { status: number; body: string } {
  const known: Partial<Record<(typeof fields)[number], string | undefined>> =
    error instanceof pg.DatabaseError || error instanceof Refusal ? { ...error } : {};
  const message = error instanceof Error ? error.message : String(error);
  const body = { message, ...Object.fromEntries(fields.map((field) => [field, known[field] ?? null])) };
  return { status: statusOf(error), body: JSON.stringify(body) };
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  return error instanceof pg.DatabaseError ? 400 : 500;
}

/**
 * What a failed attempt to connect is to the client: its own fault (400) when PostgreSQL did not let it in, the
 * server's (500) when there was no PostgreSQL, or one without room or still starting.
 */
export function connectFailure(error: unknown, user: string): Error {
  if (!(error instanceof pg.DatabaseError)) {
    const reason = error instanceof Error ? error.message || Reflect.get(error, "code") : error;
    return new Refusal(500, `could not connect to the database: ${reason}`);
  }
  // 28P01: wrong password. A role that does not exist is another code (28000) when no password was asked for.
  if (error.code === "28P01" || error.routine === "InitializeSessionUserId")
    return authenticationFailed(user);
  return /^(53|57)/.test(error.code ?? "") ? new Refusal(500, error.message, error.code) : error;
}
