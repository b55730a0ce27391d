import { type List, list } from "./list.ts";
import type { SortedById } from "./queries.ts";
import type { Call, CallOptions, Send } from "./request.ts";
import { readJson, readNoContent } from "./response.ts";
import type {
  AccountChanges,
  AccountDetails,
  Invitation,
  IssuedInvitation,
  NewInvitation,
  OpenEmergencyAccess,
  Session,
} from "./types.ts";
import { pathId, pathUuid } from "./url.ts";

/** Filters for accounts: an account must match all that are given. */
export interface AccountQuery extends SortedById {
  role?: AccountDetails["role"] | undefined;
  active?: boolean | undefined;
  /** The start of the username or of the email, in any case. */
  search?: string | undefined;
}

/** The caller's own sessions. Every method throws a `ProblemError` when it fails. */
export interface Sessions {
  /** Lists the sessions that have not ended, the newest first. */
  list(options?: CallOptions): Promise<Session[]>;
  /** Ends the session with this id. */
  end(id: string, options?: CallOptions): Promise<void>;
  /** Ends all sessions, also the client's own. */
  endAll(options?: CallOptions): Promise<void>;
}

/** All accounts, for admins. Every method throws a `ProblemError` when it fails. */
export interface Accounts {
  /** Lists the accounts that match the query. */
  list(query?: AccountQuery, options?: CallOptions): List<AccountDetails>;
  /** Reads the account with this id. */
  get(id: number, options?: CallOptions): Promise<AccountDetails>;
  /** Changes an account. Returns it as it is afterwards. */
  update(id: number, changes: AccountChanges, options?: CallOptions): Promise<AccountDetails>;
  /** Ends all sessions of an account. */
  signOut(id: number, options?: CallOptions): Promise<void>;
}

/** Invitations to register, for admins. Every method throws a `ProblemError` when it fails. */
export interface Invitations {
  /**
   * Creates an invitation, valid for 7 days. Its code is returned only here. Without a response it is not retried: a
   * retry would create another one.
   */
  create(invitation: NewInvitation, options?: CallOptions): Promise<IssuedInvitation>;
  /** Lists the invitations that nobody has used and that have not expired. */
  list(query?: SortedById, options?: CallOptions): List<Invitation>;
  /** Deletes the invitation with this id, so that its code is no longer valid. */
  withdraw(id: number, options?: CallOptions): Promise<void>;
}

/** The emergency accesses of all admins, for admins. Every method throws a `ProblemError` when it fails. */
export interface EmergencyAccesses {
  /** Lists the emergency accesses that have not ended. */
  list(query?: SortedById, options?: CallOptions): List<OpenEmergencyAccess>;
}

type Request = Pick<Call<unknown>, "method" | "path"> & { body?: object };

/** The methods of `sessions`, `accounts`, `invitations` and `emergencyAccesses`. */
export function accountMethods(send: Send) {
  const call = <Result>(
    request: Request,
    options?: CallOptions,
    read: Call<Result>["read"] = readJson<Result>,
    isIdempotent = true,
  ) => send<Result>({ ...request, options, read, isIdempotent });
  const get = <Result>(path: string, options?: CallOptions) => call<Result>({ method: "GET", path }, options);
  const remove = (path: string, options?: CallOptions) =>
    call({ method: "DELETE", path }, options, readNoContent);

  const sessions: Sessions = {
    list: async (options) => get("api/auth/sessions/", options),
    end: async (id, options) => remove(`api/auth/sessions/${pathUuid(id)}/`, options),
    endAll: async (options) => remove("api/auth/sessions/", options),
  };
  const accounts: Accounts = {
    list: (query, options) => list(send, "api/accounts/", query, options),
    get: async (id, options) => get(`api/accounts/${pathId(id)}/`, options),
    update: async (id, body, options) =>
      call({ method: "PATCH", path: `api/accounts/${pathId(id)}/`, body }, options),
    signOut: async (id, options) => remove(`api/accounts/${pathId(id)}/sessions/`, options),
  };
  const invitations: Invitations = {
    create: async (body, options) =>
      call({ method: "POST", path: "api/invitations/", body }, options, readJson<IssuedInvitation>, false),
    list: (query, options) => list(send, "api/invitations/", query, options),
    withdraw: async (id, options) => remove(`api/invitations/${pathId(id)}/`, options),
  };
  const emergencyAccesses: EmergencyAccesses = {
    list: (query, options) => list(send, "api/emergency-accesses/", query, options),
  };
  return { sessions, accounts, invitations, emergencyAccesses };
}
