/**
 * The versions of the records that this client has read or written. An entry goes when its record is
 * garbage-collected.
 */
const versions = new WeakMap<object, string>();

/**
 * The version (`ETag`) of a record that `get`, `create`, `replace` or `update` returned; `undefined` for any other
 * object, such as a record from a list or a copy of a record.
 */
export const etagOf = (record: object): string | undefined => versions.get(record);

/** Remembers the version that a response's `ETag` gives to its record. @returns the record */
export function withVersion<Shape extends object>(record: Shape, { headers }: Response): Shape {
  const etag = headers.get("ETag");
  if (etag) versions.set(record, etag);
  return record;
}

/**
 * Turns the option `ifMatch` or `ifNoneMatch` into the value of its header: a version as it is, a record into its
 * version.
 *
 * @throws {TypeError} when the record's version is unknown, or the version is an empty string: without a version a
 *   change would be unconditional.
 */
export function versionOf(recordOrVersion: object | string | undefined): string | undefined {
  if (recordOrVersion === "") throw new TypeError("An empty string is not a version.");
  if (typeof recordOrVersion !== "object") return recordOrVersion;
  const etag = etagOf(recordOrVersion);
  if (!etag) throw new TypeError("The version of this record is unknown: read it with get() first.");
  return etag;
}
