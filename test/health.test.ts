import { expect, test } from "vitest";
import { connectApi } from "./support/api.ts";
import { problem } from "./support/problems.ts";

test("/readyz is 503 while the database fails and 200 when it is back; /healthz is 200 all the while", async () => {
  const api = connectApi();
  const token = "garbage"; // nobody needs one here
  await api.disturbDatabase({ fault: "error-500", times: 1 });
  expect(await api.get("/healthz", { token })).toMatchObject({ status: 200, body: { status: "ok" } });
  const answer = await api.get("/readyz", { token });
  expect(answer).toEqual(problem(503, "The database did not answer."));
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(await api.get("/readyz", { token })).toMatchObject({ status: 200, body: { status: "ok" } });
});
