import { versionOf } from "./etag.ts";
import { type List, list } from "./list.ts";
import type { Paged } from "./queries.ts";
import { type ChangeOptions, type CreateOptions, createCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type {
  Access,
  AccountTransfer,
  Change,
  EmergencyAccess,
  Erased,
  HandedOver,
  HandedOverAll,
  Patient,
  PatientMerge,
  Restored,
  Unmerged,
} from "./types.ts";
import { pathId } from "./url.ts";

/**
 * The routes about a patient's owner, other readers, and the patient's history. `transfer` and `transferAll` are for
 * admins and for managers of both clinics, `erase` and `open` for admins. Every method throws a `ProblemError` when it
 * fails. All but `unmerge` can safely be repeated.
 */
export interface Ownership {
  /** Lists the changes of a patient, the newest first. */
  history(id: number, query?: Paged, options?: CallOptions): List<Change>;
  /** Lists who has read or changed a patient, or tried to, the newest first. */
  accesses(id: number, query?: Paged, options?: CallOptions): List<Access>;
  /**
   * Merges a patient into another one of yours, and returns that one. Afterwards each call for the merged patient throws a
   * `ProblemError` with the status 410, whose `successor` is the id of that one. Without a response the call is sent again
   * with the same idempotency key. `ifMatch` is the merged patient as it was read; `if_match` is for the other one.
   */
  merge(id: number, merge: PatientMerge, options?: CreateOptions & ChangeOptions<Patient>): Promise<Patient>;
  /** Undoes the merge of a patient, within 30 days. The status is 409 when it is undone already. */
  unmerge(id: number, options?: CallOptions): Promise<Unmerged>;
  /** Restores a deleted patient; with `partial`, without the assignments whose doctors have been deleted. */
  restore(id: number, options?: CallOptions & { partial?: boolean | undefined }): Promise<Restored>;
  /**
   * Transfers a patient to the account with the id `to`, or to a clinic: `{ clinic: 9 }`. The reason is audited. A manager
   * of both clinics may leave it out.
   */
  transfer(
    id: number,
    to: AccountTransfer["to"],
    reason?: string,
    options?: CallOptions,
  ): Promise<HandedOver>;
  /**
   * Transfers all patients of the account or the clinic `from` to another one, with as many requests as that needs, or
   * up to 1,000 `patients`: then `not_found` has the ids of those that are not there. The reason is audited.
   */
  transferAll(transfer: AccountTransfer, options?: CallOptions): Promise<HandedOverAll>;
  /**
   * Removes a deleted patient for good, with as many requests as that needs. The reason is audited, and stays. It throws
   * a `ProblemError` with the status 404 when the patient is erased already.
   */
  erase(id: number, reason: string, options?: CallOptions): Promise<Erased>;
  /**
   * Gives the caller emergency access ("break-glass") to another account's patient: reading, for an hour. Its reason
   * is audited.
   */
  open(id: number, reason: string, options?: CallOptions): Promise<EmergencyAccess>;
}

/** The methods of patients that `Ownership` lists. */
export function ownershipMethods(send: Send): Ownership {
  const post = <Result>(path: string, body?: object, options?: CallOptions, query?: object) =>
    send({
      method: "POST",
      path: `api/patients/${path}/`,
      body,
      query,
      options,
      isIdempotent: true,
      read: readJson<Result>,
    });

  return {
    history: (id, query, options) => list(send, `api/patients/${pathId(id)}/history/`, query, options),
    accesses: (id, query, options) => list(send, `api/patients/${pathId(id)}/accesses/`, query, options),
    async merge(id, merge, { ifMatch, ...options } = {}) {
      const call = createCall(`api/patients/${pathId(id)}/merge/`, merge, readJson<Patient>, options);
      return send({ ...call, headers: { ...call.headers, "If-Match": versionOf(ifMatch) } });
    },
    unmerge: async (id, options) =>
      send({
        method: "POST",
        path: `api/patients/${pathId(id)}/unmerge/`,
        options,
        // A second attempt would not say what the first one gave back.
        isIdempotent: false,
        read: readJson<Unmerged>,
      }),
    restore: async (id, { partial, ...options } = {}) =>
      post(`${pathId(id)}/restore`, undefined, options, { partial: partial || undefined }),
    transfer: async (id, to, reason, options) => post(`${pathId(id)}/transfer`, { to, reason }, options),
    async transferAll({ from, patients, to, reason }, options) {
      for (let transferredBefore = 0; ; ) {
        const batch = await post<HandedOverAll>("transfer", { from, patients, to, reason }, options);
        transferredBefore += batch.transferred;
        if (!batch.more) return { ...batch, transferred: transferredBefore };
      }
    },
    async erase(id, reason, options) {
      for (let erasedBefore = 0; ; ) {
        const batch = await post<Erased>(`${pathId(id)}/erase`, { reason }, options);
        erasedBefore += batch.removed.audit_changes;
        if (!batch.more) return { ...batch, removed: { ...batch.removed, audit_changes: erasedBefore } };
      }
    },
    open: async (id, reason, options) => post(`${pathId(id)}/access`, { reason }, options),
  };
}
