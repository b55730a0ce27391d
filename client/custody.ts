import { type List, list } from "./list.ts";
import type { Paged } from "./queries.ts";
import { type CallOptions, json, type Send } from "./request.ts";
import type {
  Access,
  AccountTransfer,
  Change,
  EmergencyAccess,
  HandedOver,
  HandedOverAll,
  Restored,
} from "./types.ts";

/** The routes that say whose a patient is, who else may read it, and who did. All but `restore` and these are for admins. */
export interface Custody {
  /** What has changed a patient, the newest first. */
  history(id: number, query?: Paged, options?: CallOptions): List<Change>;
  /** Who has looked at a patient, or changed it, or tried to, the newest first. */
  accesses(id: number, query?: Paged, options?: CallOptions): List<Access>;
  /** Brings a deleted patient back; when `partial`, without the assignments whose doctors are gone. */
  restore(id: number, options?: CallOptions & { partial?: boolean | undefined }): Promise<Restored>;
  /** Hands a patient over to the account `to`. */
  transfer(id: number, to: number, options?: CallOptions): Promise<HandedOver>;
  /** Hands all of an account's patients over, with as many requests as that takes. */
  transferAll(accounts: AccountTransfer, options?: CallOptions): Promise<HandedOverAll>;
  /** Opens somebody else's patient for an hour, to be read; the reason is on record ("break the glass"). */
  open(id: number, reason: string, options?: CallOptions): Promise<EmergencyAccess>;
}

export function custody(send: Send): Custody {
  // Each may be sent twice: what is so already stays so.
  const post = <Answer>(path: string, body?: object, { signal }: CallOptions = {}, query?: object) =>
    send({
      method: "POST",
      path: `api/patients/${path}/`,
      body,
      query,
      signal,
      isRepeatable: true,
      read: json<Answer>,
    });

  return {
    history: (id, query, options) => list(send, `api/patients/${id}/history/`, query, options),
    accesses: (id, query, options) => list(send, `api/patients/${id}/accesses/`, query, options),
    restore: async (id, { partial, ...options } = {}) =>
      post(`${id}/restore`, undefined, options, { partial: partial || undefined }),
    transfer: async (id, to, options) => post(`${id}/transfer`, { to }, options),
    async transferAll({ from, to }, options) {
      for (let before = 0; ; ) {
        const done = await post<HandedOverAll>("transfer", { from, to }, options);
        before += done.transferred;
        if (!done.more) return { ...done, transferred: before };
      }
    },
    open: async (id, reason, options) => post(`${id}/access`, { reason }, options),
  };
}
