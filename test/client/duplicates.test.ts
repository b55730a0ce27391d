import { afterAll, expect, test } from "vitest";
import { serveApi } from "../support/serve-api.ts";
import { newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

test("a create that refuses duplicates throws their ids; the list of duplicates says why they are some", async () => {
  const first = await api.patients.create(newPatient(), { duplicates: "refuse" });
  const refused = api.patients.create(newPatient(), { duplicates: "refuse" });
  await expect(refused).rejects.toMatchObject({ code: "possible_duplicate", duplicates: [first.id] });
  const other = await api.patients.create(newPatient({ not_duplicate_of: [first.id] }), {
    duplicates: "refuse",
  });
  expect(await api.patients.duplicates(first.id)).toEqual([{ patient: other, why: ["name", "birth"] }]);
});
