import { unexpectedResponse } from "./problem.ts";

/** Also when the program's own `fetch` has followed it. A browser hides the status and the headers. */
export const isRedirect = ({ status, type, redirected }: Response): boolean =>
  redirected || (type as string) === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status);

/**
 * Reads a response's JSON.
 *
 * @throws {ProblemError} when the body is not JSON, such as the login page of a public network.
 */
export async function readJson<Body>(response: Response): Promise<Body> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unexpectedResponse(response, error);
  }
}

/**
 * Checks a response without a body.
 *
 * @throws {ProblemError} when the status is not 204: the response is then not the API's.
 */
export function readNoContent(response: Response): void {
  if (response.status !== 204) throw unexpectedResponse(response);
}
