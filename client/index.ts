import { administration } from "./administration.ts";
import { custody } from "./custody.ts";
import { list } from "./list.ts";
import type { ProblemError } from "./problem.ts";
import type { AssignmentQuery, DoctorQuery, EventQuery, PatientQuery } from "./queries.ts";
import { type CreateOptions, creation, records, removal } from "./records.ts";
import { type CallOptions, createSend, json, nothing, withSession } from "./request.ts";
import type { RetryOptions } from "./retry.ts";
import { createSession, type Tokens } from "./session.ts";
import { transfer } from "./transfer.ts";
import type {
  Account,
  Assignment,
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
  PasswordChange,
  Patient,
  PatientChanges,
  Registration,
  TokenPair,
} from "./types.ts";

export type { AccountQuery, Accounts, Invitations, Sessions } from "./administration.ts";
export type { Custody } from "./custody.ts";
export { etagOf } from "./etag.ts";
export type { List } from "./list.ts";
export { ProblemError } from "./problem.ts";
export type * from "./queries.ts";
export type { ChangeOptions, CreateOptions, GetOptions, Records } from "./records.ts";
export type { CallOptions } from "./request.ts";
export type { RetryOptions } from "./retry.ts";
export type { Tokens } from "./session.ts";
export type { Format, ImportData, ImportOptions, Transfer } from "./transfer.ts";
export type * from "./types.ts";

export interface ClientOptions {
  /** Where the API is: `https://hospital-api.example.workers.dev`, with a path when it is not at the root. */
  url: string | URL;
  /** A session that was kept: what `onTokens` was told last. */
  tokens?: Tokens | undefined;
  /** Is told the tokens whenever they change, to keep them; `undefined` when the session is over. */
  onTokens?: ((tokens: Tokens | undefined) => void) | undefined;
  retry?: RetryOptions | undefined;
  /** Sends the requests; the platform's own `fetch` when left out. */
  fetch?: typeof fetch | undefined;
}

/** The API's lists, records and accounts. Every function throws a `ProblemError` when it cannot do what it says. */
export type Client = ReturnType<typeof createClient>;

/** A spent refresh token is exchanged again for so long, in milliseconds; thirty seconds, of which some are for the way. */
const REFRESH_DEADLINE = 25_000;

/** A client of the API at `url`, signed in when it is given a session's `tokens`, or after `login`. */
export function createClient({ url, tokens, onTokens, retry, ...options }: ClientOptions) {
  // Called as a function of its own: browsers refuse a fetch that is called as an option's method.
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const sendOpen = createSend({ url: String(url), fetch, retry });
  const once = { ...retry, attempts: 1 };

  const post = <Answer>(
    path: string,
    body: object,
    read: (response: Response) => Answer | Promise<Answer>,
    signal?: AbortSignal,
  ) => ({ method: "POST", path: `api/auth/${path}/`, body, read, signal, isRepeatable: false }) as const;

  /**
   * When the answer is lost, so may be the next token, and the one that is there be spent. Trying again soon gets another pair.
   * Later than the API's grace it must not be tried, for then a token that comes a second time counts as stolen.
   */
  const refresh = (token: string) =>
    sendOpen({ ...post("refresh", { refresh: token }, json<TokenPair>), isRepeatable: true }, undefined, {
      ...retry,
      deadline: Math.min(retry?.deadline ?? REFRESH_DEADLINE, REFRESH_DEADLINE),
    });

  const session = createSession(tokens, refresh, onTokens);
  const send = withSession(sendOpen, session);
  const read = { method: "GET", isRepeatable: true } as const;

  return {
    /** The session's tokens as they are now; `undefined` when there is none. */
    get tokens(): Tokens | undefined {
      return session.tokens;
    },

    /** Creates an account. It is not sent again: the username is unique, so that a second attempt is refused. */
    register: async (account: Registration, { signal }: CallOptions = {}): Promise<NewAccount> =>
      sendOpen(post("register", account, json<NewAccount>, signal)),

    /** Opens a session. It is not sent again: attempts are counted. */
    async login(credentials: Credentials, { signal }: CallOptions = {}): Promise<void> {
      session.signIn(await sendOpen(post("login", credentials, json<TokenPair>, signal)));
    },

    /** Makes the tokens new now. It need not be called: every function does when they have run out. */
    async refresh({ signal }: CallOptions = {}): Promise<void> {
      if (session.tokens) await session.renewed(session.tokens.access, signal);
    },

    /** Ends the session: here in any case, at the API unless this throws. */
    async logout({ signal }: CallOptions = {}): Promise<void> {
      if (!session.tokens) return;
      try {
        const { refresh } = session.tokens;
        await send({ ...post("logout", { refresh }, nothing, signal), isRepeatable: true });
      } catch (problem) {
        if ((problem as ProblemError).status !== 401) throw problem; // it was over already
      } finally {
        session.signOut();
      }
    },

    /** Changes the password, and ends all other sessions. It is not sent again: attempts are counted. */
    async changePassword(change: PasswordChange, { signal }: CallOptions = {}): Promise<void> {
      await send(post("password", change, nothing, signal));
    },

    ...administration(send),

    me: async ({ signal }: CallOptions = {}): Promise<Account> =>
      send({ ...read, path: "api/auth/me/", signal, read: json<Account> }),

    patients: {
      ...records<Patient, NewPatient, PatientChanges, PatientQuery>(send, "api/patients/"),
      ...transfer(send),
      ...custody(send),
    },

    doctors: records<Doctor, NewDoctor, DoctorChanges, DoctorQuery>(send, "api/doctors/"),

    assignments: {
      list: (query?: AssignmentQuery, options?: CallOptions) =>
        list<ListedAssignment>(send, "api/mappings/", query, options),
      create: async (assignment: NewAssignment, options?: CreateOptions): Promise<Assignment> =>
        send(creation("api/mappings/", assignment, json<Assignment>, options)),
      delete: async (id: number, options?: CallOptions): Promise<void> =>
        send(removal(`api/mappings/${id}/`, options)),
      /** The doctors of a patient, by the patient's id. */
      ofPatient: async (id: number, { signal }: CallOptions = {}): Promise<DoctorsOfPatient> =>
        send({ ...read, path: `api/mappings/${id}/`, signal, read: json<DoctorsOfPatient> }),
    },

    /** What is on record, the newest first; for admins. */
    record: (query?: EventQuery, options?: CallOptions) =>
      list<AuditEvent>(send, "api/audit/", query, options),

    /** Whether the Worker runs; asked once. */
    health: async ({ signal }: CallOptions = {}): Promise<{ status: "ok" }> =>
      sendOpen({ ...read, path: "healthz", signal, read: json<{ status: "ok" }> }, undefined, once),

    /** Whether the database answers; asked once. */
    readiness: async ({ signal }: CallOptions = {}): Promise<{ status: "ok" }> =>
      sendOpen({ ...read, path: "readyz", signal, read: json<{ status: "ok" }> }, undefined, once),
  };
}
