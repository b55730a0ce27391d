import { afterAll, expect, test } from "vitest";
import { createClient } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

/** A client whose requests get these pages of changes, one after the other; `undefined` is an expired cursor. */
function clientOf(pages: (number[] | undefined)[]) {
  const sent: (string | null)[] = [];
  const fetch = async (input: unknown) => {
    sent.push(new URL(String(input)).searchParams.get("since"));
    const ids = pages[sent.length - 1];
    if (!ids) return Response.json({ code: "cursor_expired" }, problem);
    const changes = ids.map((id) => ({ kind: "patient", id, version: 1 }));
    return Response.json({ changes, cursor: `after-${sent.length}` });
  };
  const problem = { status: 410, headers: { "Content-Type": "application/problem+json" } };
  const tokens = { access: "a", refresh: "r", expiresAt: Date.now() + 900_000 };
  return { api: createClient({ url: "https://api.example.org", fetch, tokens }), sent };
}

test("changes reads page after page until there is nothing new; the cursor is the next since", async () => {
  const { api, sent } = clientOf([[1, 2], [3], [], [4], []]);
  const changes = api.changes();
  const ids = [];
  for await (const { id } of changes) ids.push(id);
  expect([ids, changes.cursor, sent]).toEqual([[1, 2, 3], "after-3", [null, "after-1", "after-2"]]);
  for await (const { id } of changes) ids.push(id);
  expect([ids, changes.cursor]).toEqual([[1, 2, 3, 4], "after-5"]);
});

test("the cursor moves on only after all changes of a page were processed", async () => {
  const { api } = clientOf([[1], [2, 3], []]);
  const changes = api.changes({ since: "start" });
  const cursors = [];
  for await (const { id } of changes) {
    cursors.push(changes.cursor);
    if (id === 2) break;
  }
  expect([...cursors, changes.cursor]).toEqual(["start", "after-1", "after-1"]);
});

test("pages yields pages with their cursors", async () => {
  const { api } = clientOf([[1, 2], [3], []]);
  const pages = await Array.fromAsync(api.changes().pages());
  expect(pages.map(({ changes, cursor }) => [changes.length, cursor])).toEqual([
    [2, "after-1"],
    [1, "after-2"],
  ]);
});

test("an expired cursor throws a ProblemError with the code cursor_expired, and is not retried", async () => {
  const { api, sent } = clientOf([undefined]);
  await expect(Array.fromAsync(api.changes({ since: "old" }))).rejects.toMatchObject({
    status: 410,
    code: "cursor_expired",
  });
  expect(sent).toEqual(["old"]);
});

test("an aborted signal ends the iteration in the middle of a page", async () => {
  const { api } = clientOf([[1, 2], []]);
  const controller = new AbortController();
  const reading = async () => {
    for await (const _ of api.changes({}, { signal: controller.signal })) controller.abort(new Error("left"));
  };
  await expect(reading()).rejects.toThrow("left");
});

test("the changes of the API itself have the new patients of the account", async () => {
  const api = await signUp(served.origin);
  const { id } = await api.patients.create(newPatient());
  expect(await Array.fromAsync(api.changes())).toContainEqual({ kind: "patient", id, version: 1 });
});
