import { expect, test } from "vitest";
import { propertyTimeout } from "../fuzz/runs.ts";
import { routeRequests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { newPatient } from "../support/resources.ts";
import { createScene, sendFailingRequests, sendRefusedRequests, sendValidRequests } from "./attempts.ts";
import { marksIn } from "./marks.ts";
import { Evidence, watchedApi } from "./witness.ts";

const statuses = new Set<number>();

test.each(routeRequests)(
  "$route puts no value of a client into a log, an error or a header",
  propertyTimeout,
  async (request) => {
    const [printed, evidence] = [watchConsole(), new Evidence()];
    const scene = await createScene(request, evidence);
    await sendFailingRequests(scene);
    await sendRefusedRequests(scene);
    const { status } = await sendValidRequests(await createScene(request, evidence));
    expect(status).toBe(request.status);
    expect(marksIn([...evidence.publicTexts, ...printed()].join("\n"), evidence.marks)).toEqual([]);
    expect(printed().length).toBeGreaterThan(5);
    for (const status of evidence.statuses) statuses.add(status);
  },
);

test("a 409 contains no data of the existing record", async () => {
  const [printed, evidence] = [watchConsole(), new Evidence()];
  const account = await newAccount();
  const email = `${evidence.mark()}@example.org`;
  await account.post("/api/patients/", newPatient({ email }));
  const { status, headers, body } = await account.post(
    "/api/patients/",
    newPatient({ email, firstname: evidence.mark() }),
  );
  expect(status).toBe(409);
  statuses.add(status);
  expect(marksIn([...printed(), JSON.stringify([...headers, body])].join("\n"), evidence.marks)).toEqual([]);
});

test("the link to the next page does not contain the search text", async () => {
  const [printed, evidence] = [watchConsole(), new Evidence()];
  const account = await newAccount();
  const lastname = evidence.mark();
  for (const firstname of ["Ada", "Grace"])
    await account.post("/api/patients/", newPatient({ firstname, lastname }));
  const { headers, body } = await account.get(`/api/patients/?search=${lastname}&limit=1`);
  expect([headers.get("Link"), body]).toEqual([expect.any(String), [expect.objectContaining({ lastname })]]);
  expect(marksIn([...printed(), JSON.stringify([...headers])].join("\n"), evidence.marks)).toEqual([]);
});

test("the requests above had every status that the API returns", () => {
  const needed = [200, 201, 204, 400, 401, 403, 404, 405, 409, 412, 415, 422, 500, 503];
  expect(needed.filter((status) => !statuses.has(status))).toEqual([]);
});

test("the marks are in the records that their client reads, so they were sent and can be found", async () => {
  const evidence = new Evidence();
  const account = await newAccount(watchedApi(evidence) as Api);
  await account.post("/api/patients/", newPatient());
  expect(marksIn(evidence.readByOwner.join("\n"), evidence.marks)).not.toEqual([]);
});

test("a log with a mark in it is found", async () => {
  const [printed, evidence] = [watchConsole(), new Evidence()];
  const mark = evidence.mark();
  const limit = () => {
    console.log(`somebody's debugging: ${encodeURIComponent(mark)}`);
    return { success: true };
  };
  await connectApi({ REFRESH_LIMITER: { limit } }).post("/api/auth/refresh/", { refresh: "x" });
  expect(marksIn(printed().join("\n"), evidence.marks)).toEqual([mark]);
});
