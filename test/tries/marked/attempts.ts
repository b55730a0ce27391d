import { type Account, mint, newAccount } from "../../support/accounts.ts";
import type { Answer, Api, Options } from "../../support/api.ts";
import { pathOf, type RouteRequest, type Subject, send, sendTo } from "../../support/route-requests.ts";
import { fieldsOf } from "../arbitraries.ts";
import { bodyOf, operationOf, queryOf } from "../operations.ts";
import { type Evidence, watchedApi } from "./witness.ts";

/** A route's request as it is tried with marks. */
export interface Scene {
  request: RouteRequest;
  account: Account;
  other: Account;
  about: Subject;
  evidence: Evidence;
}

/** Creates the accounts and the subject of a request. A request that should fail may succeed and end a session, so it is sent last. */
export async function sceneOf(request: RouteRequest, evidence: Evidence): Promise<Scene> {
  const api = watchedApi(evidence) as Api;
  const [account, other] = [await newAccount(api, request.as), await newAccount(api)];
  for (const { username } of [account, other]) evidence.secret(username);
  const { file, ...about } = (await request.subject?.(account)) ?? {};
  if (file === undefined) return { request, account, other, about, evidence };
  // A file is not looked into as other bodies are (witness.ts): the names in it are those of newPatient.
  const marked = file.replaceAll(/Ada|Lovelace|patient-\w+/g, () => evidence.mark());
  return { request, account, other, about: { ...about, file: marked }, evidence };
}

/** Headers that any client may send, all of them marked. */
const marked = (evidence: Evidence, headers: Record<string, string> = {}): Options => ({
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

/** What is refused, most of it before the database is asked: 400, 401, 404, 405, 406, 415. */
export async function refused({ request, account, about, evidence }: Scene): Promise<void> {
  const path = pathOf(request, about.id);
  const forged = await mint({ sid: evidence.mark() }, "another".padEnd(32, "x"));
  evidence.secret(forged);
  await send(account, request, about, { headers: { Authorization: `Bearer ${forged}` } });
  for (const [name, { type }] of Object.entries(fieldsOf(bodyOf(request) ?? {})))
    for (const value of [
      `\0${evidence.mark()}`,
      evidence.mark().repeat(60),
      type === "string" ? [evidence.mark()] : evidence.mark(),
    ])
      await send(
        account,
        request,
        { ...about, body: { ...about.body, [name]: value } },
        { raw: JSON.stringify({ ...about.body, [name]: value }) },
      );
  for (const name of Object.keys(queryOf(request)))
    await sendTo(account, request, `${path}?${name}=${evidence.mark()}`, about);
  for (const name of [...headersOf(request), "Accept"])
    await send(account, request, about, marked(evidence, { [name]: `${evidence.mark()} "` }));
  await sendTo(account, request, pathOf(request, evidence.mark()), about);
  await account.request("PROPFIND", `${path}?${evidence.mark()}`, undefined, marked(evidence));
  if (!about.body) return;
  for (const raw of [`{"x": ${evidence.mark()}`, `"${evidence.mark()}"`])
    await send(account, request, about, { raw });
  await send(account, request, about, { raw: evidence.mark(), headers: { "Content-Type": "text/plain" } });
}

/** What another account gets, what a version gets that nobody has, and what happens when the database fails: 403, 404, 412, 500, 503. */
export async function failed({ request, account, other, about, evidence }: Scene): Promise<void> {
  await send(other, request, about, marked(evidence));
  if (takes(request, "If-Match"))
    await send(account, request, about, { headers: { "If-Match": `"${evidence.mark()}"` } });
  const faults = [
    { fault: "error-500" },
    { fault: "sqlstate", code: "42P01" },
    { fault: "sqlstate", code: "57014" },
  ];
  for (const fault of faults) {
    await account.api.disturbDatabase(fault);
    await send(account, request, about, marked(evidence));
  }
  await account.api.disturbDatabase({});
}

/** What is done, what is done again, and what comes with a key of something else: 200, 201, 204, 404, 409, 422. */
export async function done({ request, account, about, evidence }: Scene): Promise<Answer> {
  const key = takes(request, "Idempotency-Key") ? { "Idempotency-Key": evidence.mark() } : {};
  const search = "search" in queryOf(request) ? `?limit=1&search=${evidence.mark()}` : "";
  if (search)
    await sendTo(account, request, `${pathOf(request, about.id)}${search}`, about, marked(evidence));
  const answer = await send(account, request, about, marked(evidence, key));
  // The same, but for its marks: of another key, of the same email or of what is gone by now.
  await send(account, request, about, marked(evidence, key));
  await send(account, request, about, marked(evidence));
  return answer;
}
