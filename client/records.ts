import { versionOf } from "./etag.ts";
import { type List, list } from "./list.ts";
import type { ProblemError } from "./problem.ts";
import type { Call, CallOptions, Send } from "./request.ts";
import { readJson, readNoContent } from "./response.ts";
import { pathId } from "./url.ts";

/** The options of a call that creates something. */
export interface CreateOptions extends CallOptions {
  /**
   * The call can be repeated with the same key and data for 24 hours: it then creates nothing and returns the first
   * result. By default each call has its own random key, the same for all its attempts.
   */
  idempotencyKey?: string | undefined;
}

/** The options of a call that changes or deletes a record. */
export interface ChangeOptions<Shape> extends CallOptions {
  /**
   * The record as it was read (a copy or a record from a list too), or its ETag: the call throws a problem with status
   * 412 if the record has changed since.
   */
  ifMatch?: Shape | string | undefined;
}

/** The options of a call that changes a record or creates it. */
export interface PutOptions<Shape> extends ChangeOptions<Shape> {
  /** `*`: the call throws a problem with status 412 if there is a record already. */
  ifNoneMatch?: "*" | undefined;
}

/** The options of a call that reads a record. */
export interface GetOptions<Shape> extends CallOptions {
  /**
   * The record as it was read before: if it has not changed since, the API does not send it, and this object is
   * returned.
   */
  ifNoneMatch?: Shape | undefined;
}

/** The routes of one kind of record, such as patients. Every method throws a `ProblemError` when it fails. */
export interface Records<Shape, New, Changes, Query> {
  /** Lists the records that match the query. */
  list(query?: Query, options?: CallOptions): List<Shape>;
  /** Reads the record with this id. */
  get(id: number, options?: GetOptions<Shape>): Promise<Shape>;
  /**
   * Creates a record. Without a response it is sent again with the same idempotency key, and creates one record only.
   */
  create(record: New, options?: CreateOptions): Promise<Shape>;
  /** Sends a PUT, which does the same as `update`: fields that are left out keep their values. */
  replace(id: number, changes: Changes, options?: ChangeOptions<Shape>): Promise<Shape>;
  /** Changes some fields. Without a response it is retried with `ifMatch` only: a retry could overwrite another change. */
  update(id: number, changes: Changes, options?: ChangeOptions<Shape>): Promise<Shape>;
  /** Deletes the record with this id. */
  delete(id: number, options?: ChangeOptions<Shape>): Promise<void>;
}

/**
 * A call that creates one record, however often it is sent, because all its attempts have the same idempotency key.
 */
export const createCall = <Result>(
  path: string,
  body: unknown,
  read: Call<Result>["read"],
  { idempotencyKey = crypto.randomUUID(), ...options }: CreateOptions = {},
): Call<Result> => ({
  method: "POST",
  path,
  body,
  headers: { "Idempotency-Key": idempotencyKey },
  options,
  isIdempotent: true,
  read,
});

/**
 * A call that deletes a record. A 404 after an attempt whose response was lost is a success: that attempt deleted it.
 */
export const deleteCall = (
  path: string,
  { ifMatch, ...options }: ChangeOptions<object> = {},
): Call<void> => ({
  method: "DELETE",
  path,
  headers: { "If-Match": versionOf(ifMatch) },
  options,
  isIdempotent: true,
  read: readNoContent,
  recover(problem) {
    if (problem.code !== "not_found") throw problem;
  },
});

/** The methods for the record of a path, which has a version. */
export function versionedRecord<Shape extends object>(send: Send, path: string) {
  const get = ({ ifNoneMatch, ...options }: GetOptions<Shape> = {}): Promise<Shape> =>
    send({
      method: "GET",
      path,
      headers: { "If-None-Match": versionOf(ifNoneMatch) },
      options,
      isIdempotent: true,
      read: (response) => (ifNoneMatch && response.status === 304 ? ifNoneMatch : readJson<Shape>(response)),
    });

  /** @param storedFields the values that a record has after the change, by which the change is recognized */
  function change<Changes extends object>(
    method: "PUT" | "PATCH",
    changes: Changes,
    { ifMatch, ifNoneMatch, ...options }: PutOptions<Shape> = {},
    storedFields: (changes: Changes, record: Shape) => object = () => changes,
  ): Promise<Shape> {
    /** A 412 may be due to our own attempt whose response was lost: the record then has the values that were sent. */
    async function recover(problem: ProblemError): Promise<Shape> {
      const current = problem.code === "precondition_failed" ? await get(options) : undefined;
      if (!current || !hasValues(current, storedFields(changes, current))) throw problem;
      return current;
    }
    return send({
      method,
      path,
      body: changes,
      headers: { "If-Match": versionOf(ifMatch), "If-None-Match": ifNoneMatch },
      options,
      // Without a condition, a second attempt could overwrite what another client has written since.
      isIdempotent: (ifMatch ?? ifNoneMatch) !== undefined,
      read: readJson<Shape>,
      recover,
    });
  }

  return { get, change };
}

/**
 * The methods for the records of a route.
 *
 * @param path of the route, with a slash at its end: `api/patients/`
 * @param storedFields the values that a record has after a change, when they are not the values that were sent.
 */
export function recordMethods<Shape extends object, New, Changes extends object, Query extends object>(
  send: Send,
  path: string,
  storedFields?: (changes: Changes, record: Shape) => object,
): Records<Shape, New, Changes, Query> {
  const record = (id: number) => versionedRecord<Shape>(send, `${path}${pathId(id)}/`);
  return {
    list: (query, options) => list(send, path, query, options),
    get: async (id, options) => record(id).get(options),
    create: async (body, options) => send(createCall(path, body, readJson<Shape>, options)),
    replace: async (id, changes, options) => record(id).change("PUT", changes, options, storedFields),
    update: async (id, changes, options) => record(id).change("PATCH", changes, options, storedFields),
    delete: async (id, options) => send(deleteCall(`${path}${pathId(id)}/`, options)),
  };
}

/**
 * A value as the API stores it, to compare it: strings are trimmed, emails are in Unicode's normal form NFC, and parts of
 * an address that are left out are null.
 */
function storedValue(value: unknown): unknown {
  if (typeof value === "string") return value.trim().normalize() || null;
  if (Array.isArray(value)) return value.map(storedValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .filter(([, part]) => storedValue(part) !== null && String(part) !== "")
    .map(([name, part]) => [name, storedValue(part)])
    .sort(([name], [other]) => (String(name) < String(other) ? -1 : 1));
}

/** Phone numbers are stored without what stands between the digits. */
const digitsOf = (phones: unknown): unknown =>
  Array.isArray(phones) ? phones.map((phone) => String(phone).replace(/[^+\d]/g, "")) : phones;

/** The fields that the API sets itself; it ignores them in a change. */
const readOnlyFields = ["id", "age_as_of", "created_by", "created_at", "updated_at", "version"];

const hasValues = (record: object, changes: object): boolean =>
  Object.entries(changes).every(([field, value]) => {
    const sent = field === "phones" ? digitsOf(value) : value;
    const stored = storedValue(record[field as keyof typeof record]);
    return readOnlyFields.includes(field) || JSON.stringify(stored) === JSON.stringify(storedValue(sent));
  });
