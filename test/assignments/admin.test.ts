import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { idsOf } from "../support/pages.ts";
import { assignDoctor, postDoctor } from "../support/resources.ts";

const api = connectApi();
const nurse = await newAccount(api);

test("an admin lists and deletes every account's assignments of a given doctor, and no others", async () => {
  const doctor = await postDoctor(nurse);
  const stranger = await newAccount(api);
  const assignments = [await assignDoctor(nurse, { doctor }), await assignDoctor(stranger, { doctor })];
  const admin = await newAccount(api, "admin");
  const path = `/api/mappings/?doctor=${doctor.id}`;
  for (const sort of ["id", "created_at"])
    expect(idsOf(await admin.get(`${path}&sort=${sort}`))).toEqual(assignments.map(({ id }) => id));
  expect(idsOf(await admin.get(`${path}&patient=${assignments[1]?.patient}`))).toEqual([assignments[1]?.id]);
  const answer = await admin.get(path);
  expect(await auditEventsOf(answer)).toMatchObject([
    { patients: assignments.map(({ patient }) => patient).sort((a, b) => a - b) },
  ]);
  expect(idsOf(await stranger.get(path))).toEqual([assignments[1]?.id]);
  expect(idsOf(await stranger.get(`${path}&sort=-created_at`))).toEqual([assignments[1]?.id]);
  expect((await admin.get("/api/mappings/")).body).toEqual([]);
  for (const { id } of assignments) expect((await admin.delete(`/api/mappings/${id}/`)).status).toBe(204);
  expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
});
