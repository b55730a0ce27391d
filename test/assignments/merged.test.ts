import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { postMerge, postUnmerge } from "../support/ownership.ts";
import { assignDoctor, postDoctor, postPatient, postResource } from "../support/resources.ts";

const nurse = await newAccount(connectApi());
const pathOf = ({ id }: { id: number }) => `/api/mappings/${id}/`;
type Record = { id: number };

async function pair() {
  return {
    card: await postPatient(nurse),
    survivor: await postPatient(nurse),
    doctor: await postDoctor(nurse),
  };
}
/** Makes a doctor the primary one of a patient. */
const assignPrimary = (patient: Record, doctor: Record, role = "attending") =>
  postResource(nurse, "/api/mappings/", { patient: patient.id, doctor: doctor.id, role, primary: true });
/** The assignments of a patient: their ids, doctors, and which one is primary. */
const assignmentsOf = async (patient: Record, query = "") =>
  (await nurse.get(`/api/mappings/?patient=${patient.id}${query}`)).body.map(
    (one: { id: number; role: string; primary: boolean }) => [one.id, one.role, one.primary],
  );
const merge = async ({ card, survivor }: { card: Record; survivor: Record }) =>
  expect((await postMerge(nurse, card, survivor)).status).toBe(200);
const unmerge = async ({ card }: { card: Record }) => (await postUnmerge(nurse, card)).body;

describe("the assignments of a merged patient", () => {
  test("of two primary ones the survivor's stays; undoing the merge makes the other one primary again", async () => {
    const { doctor, ...both } = await pair();
    const own = await assignPrimary(both.survivor, doctor);
    const moved = await assignPrimary(both.card, await postDoctor(nurse), "covering");
    await merge(both);
    expect(await assignmentsOf(both.survivor)).toEqual([
      [own.id, "attending", true],
      [moved.id, "covering", false],
    ]);
    await unmerge(both);
    expect(await assignmentsOf(both.survivor)).toEqual([[own.id, "attending", true]]);
    expect(await assignmentsOf(both.card)).toEqual([[moved.id, "covering", true]]);
  });

  test("a primary one stays primary when the survivor has none, and returns as it is then", async () => {
    const { doctor, ...both } = await pair();
    const moved = await assignPrimary(both.card, doctor);
    await merge(both);
    expect(await assignmentsOf(both.survivor)).toEqual([[moved.id, "attending", true]]);
    const other = await assignPrimary(both.survivor, await postDoctor(nurse));
    expect(await unmerge(both)).toMatchObject({ restored: ["assignments"] });
    expect(await assignmentsOf(both.survivor)).toEqual([[other.id, "attending", true]]);
    expect(await assignmentsOf(both.card)).toEqual([[moved.id, "attending", false]]);
  });

  test("a primary one to a doctor of the survivor makes the survivor's primary until the merge is undone", async () => {
    const { doctor, ...both } = await pair();
    const own = await assignDoctor(nurse, { patient: both.survivor, doctor });
    const double = await assignPrimary(both.card, doctor, "consulting");
    await merge(both);
    expect(await assignmentsOf(both.survivor)).toEqual([[own.id, "attending", true]]);
    await unmerge(both);
    expect(await assignmentsOf(both.survivor)).toEqual([[own.id, "attending", false]]);
    expect(await assignmentsOf(both.card)).toEqual([[double.id, "consulting", true]]);
  });

  test("that have ended are the survivor's, and return with those that have ended since", async () => {
    const { doctor, ...both } = await pair();
    const [before, since] = [
      await assignDoctor(nurse, { patient: both.card, doctor }),
      await assignDoctor(nurse, { patient: both.card }),
    ];
    await nurse.delete(pathOf(before));
    await merge(both);
    await nurse.delete(pathOf(since));
    expect(await assignmentsOf(both.survivor, "&ended=true")).toEqual([
      [before.id, "attending", false],
      [since.id, "attending", false],
    ]);
    expect(await unmerge(both)).toMatchObject({ kept: [{ field: "assignments", why: "ended" }] });
    expect(await assignmentsOf(both.survivor, "&ended=true")).toEqual([]);
    expect(await assignmentsOf(both.card, "&ended=true")).toEqual([
      [before.id, "attending", false],
      [since.id, "attending", false],
    ]);
  });
});
