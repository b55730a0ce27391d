import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { idsOf } from "../support/pages.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor } from "../support/records.ts";

const api = connectApi();
const nurse = await newAccount(api);

test("an admin lists and ends everybody's assignments of a doctor, and sees no others", async () => {
  const doctor = await createDoctor(nurse);
  const stranger = await newAccount(api);
  const all = [await assign(nurse, { doctor }), await assign(stranger, { doctor })];
  const one = await newAccount(api, "admin");
  const path = `/api/mappings/?doctor=${doctor.id}`;
  for (const sort of ["id", "created_at"])
    expect(idsOf(await one.get(`${path}&sort=${sort}`))).toEqual(all.map(({ id }) => id));
  expect(idsOf(await one.get(`${path}&patient=${all[1]?.patient}`))).toEqual([all[1]?.id]);
  const answer = await one.get(path);
  expect(await recordOf(answer)).toMatchObject([
    { patients: all.map(({ patient }) => patient).sort((a, b) => a - b) },
  ]);
  expect(idsOf(await stranger.get(path))).toEqual([all[1]?.id]);
  expect(idsOf(await stranger.get(`${path}&sort=-created_at`))).toEqual([all[1]?.id]);
  expect((await one.get("/api/mappings/")).body).toEqual([]);
  for (const { id } of all) expect((await one.delete(`/api/mappings/${id}/`)).status).toBe(204);
  expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
});
