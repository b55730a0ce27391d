import { expect, test } from "vitest";
import { connectApi } from "./support/api.ts";
import { problem } from "./support/problems.ts";

test("/readyz gets 503 while the database fails and 200 afterwards; /healthz always gets 200", async () => {
  const api = connectApi();
  const token = "garbage"; // these routes need no token, and ignore it
  await api.disturbDatabase({ fault: "error-500", times: 1 });
  expect(await api.get("/healthz", { token })).toMatchObject({ status: 200, body: { status: "ok" } });
  const answer = await api.get("/readyz", { token });
  expect(answer).toEqual(problem(503, "The database did not answer."));
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(await api.get("/readyz", { token })).toMatchObject({ status: 200, body: { status: "ok" } });
});
