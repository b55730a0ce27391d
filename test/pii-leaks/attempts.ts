import { fieldsOf } from "../fuzz/arbitraries.ts";
import { bodyOf, operationOf, queryOf } from "../fuzz/operations.ts";
import { mintToken, newAccount, type TestAccount } from "../support/accounts.ts";
import type { Api, ApiResponse, Options } from "../support/api.ts";
import { postIdentifierSystem } from "../support/resources.ts";
import {
  type RouteRequest,
  type RouteSubject,
  routePath,
  sendRouteRequest,
  sendToPath,
} from "../support/route-requests.ts";
import { type Evidence, watchedApi } from "./witness.ts";

/** A route's request, the accounts that send it, and the evidence to collect. */
interface Scene {
  request: RouteRequest;
  account: TestAccount;
  other: TestAccount;
  about: RouteSubject;
  evidence: Evidence;
}

/**
 * Creates the accounts and the subject of a request. A request that should fail may succeed and end a session, so it
 * is sent last.
 */
export async function createScene(request: RouteRequest, evidence: Evidence): Promise<Scene> {
  const api = watchedApi(evidence) as Api;
  const [account, other] = [await newAccount(api, request.as), await newAccount(api)];
  for (const { username } of [account, other]) evidence.secret(username);
  const { file, ...about } = (await request.subject?.(account)) ?? {};
  if (about.body && "identifiers" in fieldsOf(bodyOf(request) ?? {})) {
    const { name: system } = await postIdentifierSystem(await newAccount(undefined, "admin"));
    about.body = { ...about.body, identifiers: [{ system, value: evidence.mark() }] };
  }
  if (file === undefined) return { request, account, other, about, evidence };
  // watchedApi (witness.ts) marks JSON bodies only. The names in a file are those of newPatient.
  const markedFile = file.replaceAll(/Ada|Lovelace|patient-\w+/g, () => evidence.mark());
  return { request, account, other, about: { ...about, file: markedFile }, evidence };
}

/** Headers that any client can send, all of them with a mark. */
const markedHeaders = (evidence: Evidence, headers: Record<string, string> = {}): Options => ({
  headers: {
    ...Object.fromEntries(
      ["User-Agent", "Cookie", "X-Request-Id", "X-Forwarded-For"].map((name) => [name, evidence.mark()]),
    ),
    Referer: `https://example.org/${evidence.mark()}`,
    ...headers,
  },
});

const headersOf = (request: RouteRequest) =>
  (operationOf(request).parameters ?? []).filter((one) => one.in === "header").map(({ name }) => name);
const takes = (request: RouteRequest, header: string) => headersOf(request).includes(header);

/** Sends requests that are refused, mostly without a database request: 400, 401, 404, 405, 406, 415. */
export async function sendRefusedRequests({ request, account, about, evidence }: Scene): Promise<void> {
  const path = routePath(request, about);
  const forged = await mintToken({ sid: evidence.mark() }, "another".padEnd(32, "x"));
  evidence.secret(forged);
  await sendRouteRequest(account, request, about, { headers: { Authorization: `Bearer ${forged}` } });
  for (const [name, { type }] of Object.entries(fieldsOf(bodyOf(request) ?? {})))
    for (const value of [
      `\0${evidence.mark()}`,
      evidence.mark().repeat(60),
      type === "string" ? [evidence.mark()] : evidence.mark(),
      // Within a list or an object, such as phones and address.
      [evidence.mark(), { system: evidence.mark(), value: `${evidence.mark()};` }],
      { city: [evidence.mark()], [`${evidence.mark()} x`]: evidence.mark() },
    ])
      await sendRouteRequest(
        account,
        request,
        { ...about, body: { ...about.body, [name]: value } },
        { raw: JSON.stringify({ ...about.body, [name]: value }) },
      );
  for (const name of Object.keys(queryOf(request)))
    await sendToPath(account, request, `${path}?${name}=${evidence.mark()}`, about);
  for (const name of [...headersOf(request), "Accept"])
    await sendRouteRequest(
      account,
      request,
      about,
      markedHeaders(evidence, { [name]: `${evidence.mark()} "` }),
    );
  await sendToPath(account, request, routePath(request, { ...about, id: evidence.mark() }), about);
  await account.request("PROPFIND", `${path}?${evidence.mark()}`, undefined, markedHeaders(evidence));
  if (!about.body) return;
  for (const raw of [`{"x": ${evidence.mark()}`, `"${evidence.mark()}"`])
    await sendRouteRequest(account, request, about, { raw });
  await sendRouteRequest(account, request, about, {
    raw: evidence.mark(),
    headers: { "Content-Type": "text/plain" },
  });
}

/**
 * Sends requests of another account, with an unknown version, and while the database fails: 403, 404, 412, 500, 503.
 */
export async function sendFailingRequests({
  request,
  account,
  other,
  about,
  evidence,
}: Scene): Promise<void> {
  await sendRouteRequest(other, request, about, markedHeaders(evidence));
  if (takes(request, "If-Match"))
    await sendRouteRequest(account, request, about, { headers: { "If-Match": `"${evidence.mark()}"` } });
  const faults = [
    { fault: "error-500" },
    { fault: "sqlstate", code: "42P01" },
    { fault: "sqlstate", code: "57014" },
  ];
  for (const fault of faults) {
    await account.api.disturbDatabase(fault);
    await sendRouteRequest(account, request, about, markedHeaders(evidence));
  }
  await account.api.disturbDatabase({});
}

/**
 * Sends the valid request, the same again, and another one with its idempotency key: 200, 201, 204, 404, 409, 422.
 */
export async function sendValidRequests({ request, account, about, evidence }: Scene): Promise<ApiResponse> {
  const key = takes(request, "Idempotency-Key") ? { "Idempotency-Key": evidence.mark() } : {};
  const search = "search" in queryOf(request) ? `?limit=1&search=${evidence.mark()}` : "";
  if (search)
    await sendToPath(
      account,
      request,
      `${routePath(request, about)}${search}`,
      about,
      markedHeaders(evidence),
    );
  const answer = await sendRouteRequest(account, request, about, markedHeaders(evidence, key));
  // The same with other marks: a used key, a used email, or a record that is deleted by now.
  await sendRouteRequest(account, request, about, markedHeaders(evidence, key));
  await sendRouteRequest(account, request, about, markedHeaders(evidence));
  return answer;
}
