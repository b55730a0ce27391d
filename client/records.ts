import { versioned, versionOf } from "./etag.ts";
import { type List, list } from "./list.ts";
import { type Call, type CallOptions, json, nothing, type Send } from "./request.ts";

/** What a call takes that makes something. */
export interface CreateOptions extends CallOptions {
  /**
   * The same key and the same data again, within 24 hours, make nothing new and give the first answer. Left out, each
   * call has one of its own, the same for all its attempts: give one to be able to repeat the call itself.
   */
  idempotencyKey?: string | undefined;
}

/** What a call takes that changes or deletes a record. */
export interface ChangeOptions<Shape> extends CallOptions {
  /** The record as it was read, or its version: when somebody has changed it since, the call throws a problem of 412. */
  ifMatch?: Shape | string | undefined;
}

/** What a call takes that reads a record. */
export interface GetOptions<Shape> extends CallOptions {
  /** The record as it was read before: when nobody has changed it since, it is not sent again, and given back itself. */
  ifNoneMatch?: Shape | undefined;
}

/** The routes of a kind of records. */
export interface Records<Shape, New, Changes, Query> {
  list(query?: Query, options?: CallOptions): List<Shape>;
  get(id: number, options?: GetOptions<Shape>): Promise<Shape>;
  create(record: New, options?: CreateOptions): Promise<Shape>;
  /** As `update`: what is left out stays as it is. */
  replace(id: number, changes: Changes, options?: ChangeOptions<Shape>): Promise<Shape>;
  update(id: number, changes: Changes, options?: ChangeOptions<Shape>): Promise<Shape>;
  delete(id: number, options?: ChangeOptions<Shape>): Promise<void>;
}

/** A call that makes something, of which there is one however often it is sent. */
export const creation = <Answer>(
  path: string,
  body: unknown,
  read: Call<Answer>["read"],
  { idempotencyKey = crypto.randomUUID(), signal }: CreateOptions = {},
): Call<Answer> => ({
  method: "POST",
  path,
  body,
  headers: { "Idempotency-Key": idempotencyKey },
  signal,
  isRepeatable: true,
  read,
});

/** A call that removes something. That it is not there afterwards may be the doing of an attempt that was not heard of. */
export const removal = (path: string, { ifMatch, signal }: ChangeOptions<object> = {}): Call<void> => ({
  method: "DELETE",
  path,
  headers: { "If-Match": versionOf(ifMatch) },
  signal,
  isRepeatable: true,
  read: nothing,
  settle(problem) {
    if (problem.status !== 404) throw problem;
  },
});

/** @param path of the list, with a slash after it. */
export function records<Shape extends object, New, Changes extends object, Query extends object>(
  send: Send,
  path: string,
): Records<Shape, New, Changes, Query> {
  const record = async (response: Response) => versioned(await json<Shape>(response), response);

  const get = async (id: number, { ifNoneMatch, signal }: GetOptions<Shape> = {}): Promise<Shape> =>
    send({
      method: "GET",
      path: `${path}${id}/`,
      headers: { "If-None-Match": versionOf(ifNoneMatch) },
      signal,
      isRepeatable: true,
      read: (response) => (ifNoneMatch && response.status === 304 ? ifNoneMatch : record(response)),
    });

  const change =
    (method: "PUT" | "PATCH") =>
    async (id: number, changes: Changes, { ifMatch, signal }: ChangeOptions<Shape> = {}): Promise<Shape> =>
      send({
        method,
        path: `${path}${id}/`,
        body: changes,
        headers: { "If-Match": versionOf(ifMatch) },
        signal,
        // Sent again unconditionally, it could undo what somebody else has written since.
        isRepeatable: ifMatch !== undefined,
        read: record,
        async settle(problem) {
          // It may be our own change, unheard of, that was faster: then the record holds what was to be written.
          const now = problem.status === 412 ? await get(id, { signal }) : undefined;
          if (!now || !holds(now, changes)) throw problem;
          return now;
        },
      });

  return {
    list: (query, options) => list(send, path, query, options),
    get,
    create: async (body, options) => send(creation(path, body, record, options)),
    replace: change("PUT"),
    update: change("PATCH"),
    delete: async (id, options) => send(removal(`${path}${id}/`, options)),
  };
}

/** A value as the API keeps it: trimmed, when it is a text. */
const asKept = (value: unknown): unknown => (typeof value === "string" ? value.trim() : value);

/** What the API sets, and ignores when it is sent back. */
const readOnly = ["id", "created_by", "created_at", "updated_at"];

const holds = (record: object, changes: object): boolean =>
  Object.entries(changes).every(
    ([field, value]) => readOnly.includes(field) || record[field as keyof typeof record] === asKept(value),
  );
