/** The versions of the records that this client has read or written, for as long as somebody holds them. */
const versions = new WeakMap<object, string>();

/**
 * The version of a record as `get`, `create`, `replace` or `update` gave it: its `ETag`. `undefined` for any other, such
 * as one from a list, or a copy.
 */
export const etagOf = (record: object): string | undefined => versions.get(record);

/** A record, with the version that the answer says it has. */
export function versioned<Shape extends object>(record: Shape, { headers }: Response): Shape {
  const etag = headers.get("ETag");
  if (etag) versions.set(record, etag);
  return record;
}

/**
 * What `If-Match` and `If-None-Match` take: the version itself, or that of a record.
 *
 * @throws {TypeError} when it is a record whose version is not known, or an empty text, which is none: without one a change
 *   would be unconditional.
 */
export function versionOf(given: object | string | undefined): string | undefined {
  if (given === "") throw new TypeError("An empty text is no version.");
  if (typeof given !== "object") return given;
  const etag = etagOf(given);
  if (!etag) throw new TypeError("The version of this record is not known: get() it first.");
  return etag;
}
