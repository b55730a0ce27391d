import { type List, list } from "./list.ts";
import type { SortedById } from "./queries.ts";
import { type CreateOptions, createCall, deleteCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { Clinic, ClinicChanges, Member, MemberChanges, NewClinic, NewMember } from "./types.ts";
import { pathId } from "./url.ts";

/** The members of a clinic. Every method throws a `ProblemError` when it fails. */
export interface Members {
  /** Lists the current members. */
  list(clinic: number, query?: SortedById, options?: CallOptions): List<Member>;
  /** Adds a member. A current member stays as it is, with its role, and is returned. */
  add(clinic: number, member: NewMember, options?: CallOptions): Promise<Member>;
  /** Gives a member another role. Without a response it is not retried: a retry could overwrite another change. */
  update(clinic: number, account: number, changes: MemberChanges, options?: CallOptions): Promise<Member>;
  /** Ends the membership of an account; one's own, to leave. */
  end(clinic: number, account: number, options?: CallOptions): Promise<void>;
}

/** Clinics, which own patients. Every method throws a `ProblemError` when it fails. */
export interface Clinics {
  /** Lists the clinics of the caller; for an admin all clinics. */
  list(query?: SortedById, options?: CallOptions): List<Clinic>;
  /** Reads the clinic with this id. */
  get(id: number, options?: CallOptions): Promise<Clinic>;
  /** Creates a shared clinic. For admins. It is sent again with the same idempotency key, and creates one clinic only. */
  create(clinic: NewClinic, options?: CreateOptions): Promise<Clinic>;
  /** Changes some fields. Without a response it is not retried: a retry could overwrite another change. */
  update(id: number, changes: ClinicChanges, options?: CallOptions): Promise<Clinic>;
  /** Deletes a shared clinic without patients. */
  delete(id: number, options?: CallOptions): Promise<void>;
  members: Members;
}

const clinicPath = (id: number) => `api/clinics/${pathId(id)}/`;
const memberPath = (clinic: number, account: number) => `${clinicPath(clinic)}members/${pathId(account)}/`;

/** The methods of `clinics`. */
export function clinicMethods(send: Send): Clinics {
  const change = <Result>(path: string, body: object, options?: CallOptions) =>
    send({ method: "PATCH", path, body, options, isIdempotent: false, read: readJson<Result> });
  const members: Members = {
    list: (clinic, query, options) => list(send, `${clinicPath(clinic)}members/`, query, options),
    add: async (clinic, body, options) =>
      send({
        method: "POST",
        path: `${clinicPath(clinic)}members/`,
        body,
        options,
        isIdempotent: true,
        read: readJson<Member>,
      }),
    update: async (clinic, account, changes, options) =>
      change<Member>(memberPath(clinic, account), changes, options),
    end: async (clinic, account, options) => send(deleteCall(memberPath(clinic, account), options)),
  };
  return {
    list: (query, options) => list(send, "api/clinics/", query, options),
    get: async (id, options) =>
      send({ method: "GET", path: clinicPath(id), options, isIdempotent: true, read: readJson<Clinic> }),
    create: async (body, options) => send(createCall("api/clinics/", body, readJson<Clinic>, options)),
    update: async (id, changes, options) => change<Clinic>(clinicPath(id), changes, options),
    delete: async (id, options) => send(deleteCall(clinicPath(id), options)),
    members,
  };
}
