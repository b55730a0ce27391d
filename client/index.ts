import { accountMethods } from "./accounts.ts";
import { importExportMethods } from "./import-export.ts";
import { list } from "./list.ts";
import { ownershipMethods } from "./ownership.ts";
import type { AssignmentQuery, DoctorQuery, EventQuery, Paged, PatientQuery } from "./queries.ts";
import { type CreateOptions, createCall, deleteCall, recordMethods } from "./records.ts";
import { type CallOptions, createSend, readJson, readNoContent, withSession } from "./request.ts";
import type { RetryOptions } from "./retry.ts";
import { createSession, type Tokens } from "./session.ts";
import type {
  Account,
  Assignment,
  AuditDigest,
  AuditEvent,
  Credentials,
  Doctor,
  DoctorChanges,
  DoctorsOfPatient,
  ListedAssignment,
  NewAccount,
  NewAssignment,
  NewDoctor,
  NewPatient,
  OwnAccountChange,
  PasswordChange,
  Patient,
  PatientChanges,
  Registration,
  TokenPair,
} from "./types.ts";
import { pathId } from "./url.ts";

export type { AccountQuery, Accounts, EmergencyAccesses, Invitations, Sessions } from "./accounts.ts";
export { etagOf } from "./etag.ts";
export type { ExportOptions, Format, ImportData, ImportExport, ImportOptions } from "./import-export.ts";
export type { List } from "./list.ts";
export type { Ownership } from "./ownership.ts";
export { ProblemError } from "./problem.ts";
export type * from "./queries.ts";
export type { ChangeOptions, CreateOptions, GetOptions, Records } from "./records.ts";
export type { CallOptions } from "./request.ts";
export type { RetryOptions } from "./retry.ts";
export type { Tokens } from "./session.ts";
export type * from "./types.ts";

export interface ClientOptions {
  /**
   * The API's URL, such as `https://hospital-api.example.workers.dev`; with a path if the API is not at the root. It may
   * be `http:` only for localhost, 127.0.0.1 and [::1].
   */
  url: string | URL;
  /** The tokens of a session that exists already: those that `onTokens` received last. */
  tokens?: Tokens | undefined;
  /** Receives the tokens after every change, so that they can be stored; `undefined` when the session has ended. */
  onTokens?: ((tokens: Tokens | undefined) => void) | undefined;
  /** How often calls that are safe to repeat are sent, and how long that may take. */
  retry?: RetryOptions | undefined;
  /** Sends the requests; the platform's `fetch` by default. */
  fetch?: typeof fetch | undefined;
}

/**
 * The methods of the API. Each throws a `ProblemError` when it fails, or the reason of its `signal` when that aborts; and
 * a `TypeError` for an id that is not a positive integer.
 */
export type Client = ReturnType<typeof createClient>;

/**
 * The longest time for a refresh with all its attempts, in milliseconds. When the response of an attempt is lost, the
 * API has used the token; it accepts it again for 30 seconds, and 5 are left for the way. Later it takes the token
 * for stolen.
 */
const REFRESH_DEADLINE = 25_000;

/**
 * Creates a client for the API at `url`. It has a session when it gets `tokens`, or after `login`. Nothing is sent
 * yet.
 *
 * @throws {TypeError} when `url` is neither `https:` nor this machine.
 */
export function createClient({ url, tokens, onTokens, retry, ...options }: ClientOptions) {
  // Wrapped: browsers throw when their fetch is called as a method of another object.
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const sendWithoutSession = createSend({ url, fetch, retry });
  const withoutRetry = { ...retry, attempts: 1 };

  const authCall = <Result>(
    path: string,
    body: object,
    read: (response: Response) => Result | Promise<Result>,
    signal?: AbortSignal,
  ) => ({ method: "POST", path: `api/auth/${path}/`, body, read, signal, isIdempotent: false }) as const;

  const refresh = (token: string) =>
    sendWithoutSession(
      { ...authCall("refresh", { refresh: token }, readJson<TokenPair>), isIdempotent: true },
      undefined,
      { ...retry, deadline: Math.min(retry?.deadline ?? REFRESH_DEADLINE, REFRESH_DEADLINE) },
    );

  const session = createSession(tokens, refresh, onTokens);
  const send = withSession(sendWithoutSession, session);
  const get = { method: "GET", isIdempotent: true } as const;

  return {
    /** The current tokens; `undefined` without a session. */
    get tokens(): Tokens | undefined {
      return session.tokens;
    },

    /** Creates an account. Without a response it is not retried: the username is unique, so a retry would be refused. */
    register: async (account: Registration, { signal }: CallOptions = {}): Promise<NewAccount> =>
      sendWithoutSession(authCall("register", account, readJson<NewAccount>, signal)),

    /** Starts a session. Without a response it is not retried: the API counts attempts. */
    async login(credentials: Credentials, { signal }: CallOptions = {}): Promise<void> {
      session.signIn(await sendWithoutSession(authCall("login", credentials, readJson<TokenPair>, signal)));
    },

    /**
     * Refreshes the access token now. There is no need to call it: every method does so when the token has expired.
     */
    async refresh({ signal }: CallOptions = {}): Promise<void> {
      if (session.tokens) await session.nextAccessToken(session.tokens.access, signal);
    },

    /**
     * Ends the session, also when its access token has expired. The client drops its tokens in any case; if this
     * throws, the API may still accept them.
     */
    async logout({ signal }: CallOptions = {}): Promise<void> {
      if (!session.tokens) return;
      try {
        const { refresh } = session.tokens;
        await sendWithoutSession({
          ...authCall("logout", { refresh }, readNoContent, signal),
          isIdempotent: true,
        });
      } finally {
        session.signOut();
      }
    },

    /**
     * Changes the caller's password and ends all its sessions. The client continues in the new session that the API
     * opens. Without a response it is not retried: the API counts attempts, and the password may have been changed:
     * log in.
     */
    async changePassword(change: PasswordChange, { signal }: CallOptions = {}): Promise<void> {
      session.replaceTokens(await send(authCall("password", change, readJson<TokenPair>, signal)));
    },

    ...accountMethods(send),

    /** Reads the caller's own account. */
    me: async ({ signal }: CallOptions = {}): Promise<Account> =>
      send({ ...get, path: "api/auth/me/", signal, read: readJson<Account> }),

    /**
     * Changes the email of the caller's own account. It needs the password. It is not retried: the API counts attempts.
     */
    updateMe: async (change: OwnAccountChange, { signal }: CallOptions = {}): Promise<Account> =>
      send({
        ...{ method: "PATCH", path: "api/auth/me/", body: change, signal, read: readJson<Account> },
        isIdempotent: false,
      }),

    patients: {
      ...recordMethods<Patient, NewPatient, PatientChanges, PatientQuery>(send, "api/patients/"),
      ...importExportMethods(send),
      ...ownershipMethods(send),
    },

    doctors: recordMethods<Doctor, NewDoctor, DoctorChanges, DoctorQuery>(send, "api/doctors/"),

    assignments: {
      /** Lists the assignments of the caller's patients. */
      list: (query?: AssignmentQuery, options?: CallOptions) =>
        list<ListedAssignment>(send, "api/mappings/", query, options),
      /** Assigns a doctor to a patient. */
      create: async (assignment: NewAssignment, options?: CreateOptions): Promise<Assignment> =>
        send(createCall("api/mappings/", assignment, readJson<Assignment>, options)),
      /** Deletes the assignment with this id. */
      delete: async (id: number, options?: CallOptions): Promise<void> =>
        send(deleteCall(`api/mappings/${pathId(id)}/`, options)),
      /** Reads the doctors of the patient with this id. */
      ofPatient: async (id: number, { signal }: CallOptions = {}): Promise<DoctorsOfPatient> =>
        send({ ...get, path: `api/mappings/${pathId(id)}/`, signal, read: readJson<DoctorsOfPatient> }),
    },

    /** Lists the audit events that match the query, the newest first. For admins. */
    record: (query?: EventQuery, options?: CallOptions) =>
      list<AuditEvent>(send, "api/audit/", query, options),

    /** Lists the digests of the audit log's finished days, the newest first. For admins. */
    auditDigests: (query?: Paged, options?: CallOptions) =>
      list<AuditDigest>(send, "api/audit/digests/", query, options),

    /** Checks that the Worker runs. It is sent once. */
    health: async ({ signal }: CallOptions = {}): Promise<{ status: "ok" }> =>
      sendWithoutSession(
        { ...get, path: "healthz", signal, read: readJson<{ status: "ok" }> },
        undefined,
        withoutRetry,
      ),

    /** Checks that the database answers. It is sent once. */
    readiness: async ({ signal }: CallOptions = {}): Promise<{ status: "ok" }> =>
      sendWithoutSession(
        { ...get, path: "readyz", signal, read: readJson<{ status: "ok" }> },
        undefined,
        withoutRetry,
      ),
  };
}
