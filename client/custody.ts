import { type CallOptions, json, type Send } from "./request.ts";
import type { AccountTransfer, EmergencyAccess, HandedOver, HandedOverAll, Restored } from "./types.ts";

/** The routes that say whose a patient is, and who else may read it. All but `restore` are for admins. */
export interface Custody {
  /** Brings a deleted patient back; when `partial`, without the assignments whose doctors are gone. */
  restore(id: number, options?: CallOptions & { partial?: boolean | undefined }): Promise<Restored>;
  /** Hands a patient over to the account `to`. */
  transfer(id: number, to: number, options?: CallOptions): Promise<HandedOver>;
  /** Hands all of an account's patients over, 10,000 at a time: to be called again while there are `more`. */
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
    restore: async (id, { partial, ...options } = {}) =>
      post(`${id}/restore`, undefined, options, { partial: partial || undefined }),
    transfer: async (id, to, options) => post(`${id}/transfer`, { to }, options),
    transferAll: async ({ from, to }, options) => post("transfer", { from, to }, options),
    open: async (id, reason, options) => post(`${id}/access`, { reason }, options),
  };
}
