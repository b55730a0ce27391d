/**
 * The `ETag` of a record, from its `version`: also of a copy, and of a record from a list. `undefined` for any other
 * object.
 */
export function etagOf(record: object): string | undefined {
  const version = "version" in record ? record.version : undefined;
  return Number.isSafeInteger(version) ? `"${version}"` : undefined;
}

/**
 * Turns the option `ifMatch` or `ifNoneMatch` into the value of its header: an ETag as it is, a record into its ETag.
 *
 * @throws {TypeError} when the record has no version, or the ETag is an empty string: without one a change would be
 *   unconditional.
 */
export function versionOf(recordOrEtag: object | string | undefined): string | undefined {
  if (recordOrEtag === "") throw new TypeError("An empty string is not a version.");
  if (typeof recordOrEtag !== "object") return recordOrEtag;
  const etag = recordOrEtag && etagOf(recordOrEtag);
  if (!etag) throw new TypeError("This record has no version: read it with get() first.");
  return etag;
}
