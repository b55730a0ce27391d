import { type List, list } from "./list.ts";
import type { Paged } from "./queries.ts";
import { type Call, type CallOptions, json, nothing, type Send } from "./request.ts";
import type {
  AccountChanges,
  AccountDetails,
  Invitation,
  IssuedInvitation,
  NewInvitation,
  Session,
} from "./types.ts";

/** The newest first, with `-id`. */
type ById = Paged & { sort?: "id" | "-id" | undefined };

/** All that is given must be true of an account. */
export interface AccountQuery extends ById {
  role?: AccountDetails["role"] | undefined;
  active?: boolean | undefined;
  /** The beginning of the username or of the email, in any case. */
  search?: string | undefined;
}

/** One's own sessions. */
export interface Sessions {
  /** Those that are not over, the newest first. */
  list(options?: CallOptions): Promise<Session[]>;
  end(id: string, options?: CallOptions): Promise<void>;
  /** Ends all of them, this one too. */
  endAll(options?: CallOptions): Promise<void>;
}

/** All accounts, for admins. */
export interface Accounts {
  list(query?: AccountQuery, options?: CallOptions): List<AccountDetails>;
  get(id: number, options?: CallOptions): Promise<AccountDetails>;
  update(id: number, changes: AccountChanges, options?: CallOptions): Promise<AccountDetails>;
  /** Ends all its sessions. */
  signOut(id: number, options?: CallOptions): Promise<void>;
}

/** Who is asked to register, for admins. */
export interface Invitations {
  /** Makes a code, which is told this once. It is not sent again: each has a code of its own. */
  create(invitation: NewInvitation, options?: CallOptions): Promise<IssuedInvitation>;
  list(query?: ById, options?: CallOptions): List<Invitation>;
  withdraw(id: number, options?: CallOptions): Promise<void>;
}

type Rest = Pick<Call<unknown>, "method" | "path"> & { body?: object };

/** Who gets in: one's own sessions and, for admins, all accounts. */
export function administration(send: Send) {
  // What is so already stays so: each but an invitation may be sent twice.
  const call = <Answer>(
    rest: Rest,
    { signal }: CallOptions = {},
    read: Call<Answer>["read"] = json<Answer>,
    isRepeatable = true,
  ) => send<Answer>({ ...rest, signal, read, isRepeatable });
  const get = <Answer>(path: string, options?: CallOptions) => call<Answer>({ method: "GET", path }, options);
  const remove = (path: string, options?: CallOptions) => call({ method: "DELETE", path }, options, nothing);

  const sessions: Sessions = {
    list: async (options) => get("api/auth/sessions/", options),
    end: async (id, options) => remove(`api/auth/sessions/${encodeURIComponent(id)}/`, options),
    endAll: async (options) => remove("api/auth/sessions/", options),
  };
  const accounts: Accounts = {
    list: (query, options) => list(send, "api/accounts/", query, options),
    get: async (id, options) => get(`api/accounts/${id}/`, options),
    update: async (id, body, options) =>
      call({ method: "PATCH", path: `api/accounts/${id}/`, body }, options),
    signOut: async (id, options) => remove(`api/accounts/${id}/sessions/`, options),
  };
  const invitations: Invitations = {
    create: async (body, options) =>
      call({ method: "POST", path: "api/invitations/", body }, options, json<IssuedInvitation>, false),
    list: (query, options) => list(send, "api/invitations/", query, options),
    withdraw: async (id, options) => remove(`api/invitations/${id}/`, options),
  };
  return { sessions, accounts, invitations };
}
