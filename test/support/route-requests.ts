import type * as z from "zod/mini";
import type { Account } from "./accounts.ts";
import type { Answer, Options } from "./api.ts";

/** What a request is about: the id in its path, and its body, or a file of lines of JSON. */
export interface Subject {
  id?: number | string;
  body?: Record<string, unknown>;
  file?: string;
}

/**
 * A request that a route takes. Each group writes down its own, beside its tests; `every-route.test.ts` fails for a
 * route that has none.
 */
export interface RouteRequest {
  /** Method and path, as the app has them: `PATCH /api/patients/:id`. */
  route: string;
  /** What it answers when all is well. */
  status: number;
  /** What that answer holds, and nothing else; left out when it has no body. */
  answer?: z.ZodMiniType;
  /** Of which media type it is; JSON when left out. */
  type?: string;
  /** How many database requests that takes; 1 when left out. */
  requests?: number;
  /** The action that it is on record as; left out when it is not. */
  recorded?: string;
  /** Makes what the request is about, which is the account's own; left out, there is nothing to make. */
  subject?: (account: Account) => Promise<Subject>;
  /** The role that it takes; a clinician's when left out. */
  as?: "admin";
  /**
   * Who may send it: anybody, or an account; and what it answers to another account than the one whose subject it is, and how that
   * is on record to have ended, where the status does not say so.
   */
  access: "open" | { toOthers: number; outcome?: "refused" };
  /** Whether it takes a file instead of a JSON body. */
  takesFile?: true;
  /** Fields that it refuses, in a body that is good but for them; left out when it takes no body. */
  invalid?: Record<string, unknown>;
}

export const methodOf = ({ route }: RouteRequest): string => route.split(" ")[0] ?? "";

/** The path of a route, with its slash at the end as the contract has it, and `id` where it names a record. */
export function pathOf({ route }: RouteRequest, id: number | string = 1): string {
  const [, path = ""] = route.split(" ");
  return `${path.replace(":id", String(id))}${path.startsWith("/api/") ? "/" : ""}`;
}

/** Sends a route's request about `subject`, with the account's token or what `options` say. */
export const send = (
  account: Account,
  request: RouteRequest,
  { id, ...about }: Subject,
  options?: Options,
): Promise<Answer> => sendTo(account, request, pathOf(request, id), about, options);

/** The same to another path. */
export function sendTo(
  account: Account,
  request: RouteRequest,
  path: string,
  { body, file }: Subject,
  { headers, ...options }: Options = {},
): Promise<Answer> {
  const sent =
    file === undefined
      ? { headers }
      : { raw: file, headers: { "Content-Type": "application/x-ndjson", ...headers } };
  return account.request(methodOf(request), path, body, { ...options, ...sent } as Options);
}
