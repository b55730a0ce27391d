import type * as z from "zod/mini";
import type { TestAccount } from "./accounts.ts";
import type { ApiResponse, Options } from "./api.ts";

/**
 * The subject of a request: the ids in its path, the query that it needs, and its body or a file with a JSON object on
 * each line.
 */
export interface RouteSubject {
  id?: number | string;
  account?: number | string;
  query?: string;
  body?: Record<string, unknown>;
  file?: string;
  /** The end of the path of a calendar. */
  feed?: string;
}

/**
 * A valid request of a route. Each group of routes has its own in its test folder; `every-route.test.ts` fails for a
 * route without one.
 */
export interface RouteRequest {
  /** Method and path, as the app has them: `PATCH /api/patients/:id`. */
  route: string;
  /** The status when it succeeds. */
  status: number;
  /** The schema of the whole response body; left out when there is no body. */
  answer?: z.ZodMiniType;
  /** The media type of the response; JSON when left out. */
  type?: string;
  /** How many database requests it makes; 1 when left out. */
  requests?: number;
  /** The action of its audit event; left out when it is not audited. */
  recorded?: string;
  /** Creates the subject, which the account owns; left out when the request needs none. */
  subject?: (account: TestAccount) => Promise<RouteSubject>;
  /** The role that it needs; clinician when left out. */
  as?: "admin";
  /**
   * Who may send it: everybody ("open"), or accounts only. `toOthers` is the status for an account that does not own
   * the subject, and `outcome` is that of its audit event where the status does not determine it.
   */
  access: "open" | { toOthers: number; outcome?: "refused" };
  /** It takes a file instead of a JSON body. */
  takesFile?: true;
  /** Invalid fields, for an otherwise valid body; left out when it takes no JSON body. */
  invalid?: Record<string, unknown>;
}

export const routeMethod = ({ route }: RouteRequest): string => route.split(" ")[0] ?? "";

/** The path of a route, with the ids in place of their names; below /api/ it ends with a slash, as it is documented. */
export function routePath(
  { route }: RouteRequest,
  { id = 1, account = 1, feed = "unknown.ics" }: RouteSubject = {},
): string {
  const [, path = ""] = route.split(" ");
  const withIds = path.replace(":id", String(id)).replace(":account", String(account)).replace(":feed", feed);
  return `${withIds}${path.startsWith("/api/") ? "/" : ""}`;
}

/** Sends a route's request for a subject, with the account's token unless `options` have another. */
export const sendRouteRequest = (
  account: TestAccount,
  request: RouteRequest,
  about: RouteSubject,
  options?: Options,
): Promise<ApiResponse> => sendToPath(account, request, routePath(request, about), about, options);

/** Sends the same request to another path. */
export function sendToPath(
  account: TestAccount,
  request: RouteRequest,
  path: string,
  { body, file, query }: RouteSubject,
  { headers, ...options }: Options = {},
): Promise<ApiResponse> {
  const sent =
    file === undefined
      ? { headers }
      : { raw: file, headers: { "Content-Type": "application/x-ndjson", ...headers } };
  return account.request(routeMethod(request), withParameters(path, query), body, {
    ...options,
    ...sent,
  } as Options);
}

/** The path with the parameters of `query` that it does not have. */
function withParameters(path: string, query = ""): string {
  const sent = new URLSearchParams(path.split("?")[1]);
  const missing = query.split("&").filter((pair) => pair && !sent.has(String(pair.split("=")[0])));
  if (missing.length === 0) return path;
  return `${path}${path.includes("?") ? "&" : "?"}${missing.join("&")}`;
}
