/** The hosts whose traffic does not leave this machine. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Checks the API's URL: passwords and tokens are sent there.
 *
 * @returns it with a slash at its end.
 * @throws {TypeError} when it is not a URL with `https:`, or with `http:` for this machine.
 */
export function apiUrl(url: string | URL): string {
  const { protocol, hostname } = parseUrl(String(url));
  if (protocol !== "https:" && !(protocol === "http:" && LOOPBACK.test(hostname)))
    throw new TypeError(
      "The API's URL must begin with https:// (or http:// for localhost, 127.0.0.1 or [::1]).",
    );
  return String(url).endsWith("/") ? String(url) : `${url}/`;
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (error) {
    throw new TypeError("The API's URL is not a URL.", { cause: error });
  }
}

/**
 * An id as a part of a path. Types do not check what a program gets at run time: "../accounts/3" would be a path to
 * another route.
 *
 * @throws {TypeError} when it is not a positive integer.
 */
export function pathId(id: number): string {
  if (!Number.isSafeInteger(id) || id < 1) throw new TypeError("An id must be a positive integer.");
  return String(id);
}

/** Like `pathId`, for the id of a session. @throws {TypeError} when it is not a UUID. */
export function pathUuid(id: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id))
    throw new TypeError("The id of a session must be a UUID.");
  return id;
}
