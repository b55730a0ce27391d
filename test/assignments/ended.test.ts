import { beforeAll, describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import {
  newDoctorsAccount,
  patientPath,
  postErase,
  postRestore,
  postTransfer,
} from "../support/ownership.ts";
import { bothDirections, idsOf, pagesFrom } from "../support/pages.ts";
import { anyTimestamp, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const pathOf = ({ id }: { id: number }) => `/api/mappings/${id}/`;
const listOf = async (query: string, account = nurse) => (await account.get(`/api/mappings/?${query}`)).body;

/** Assigns a doctor, and ends that. */
async function endedAssignment(ids: Parameters<typeof assignDoctor>[1] = {}, account = nurse) {
  const assignment = await assignDoctor(account, ids);
  expect((await account.delete(pathOf(assignment))).status).toBe(204);
  return assignment;
}

describe("an assignment that was ended", () => {
  test("is in the list with ended=true, with who ended it and when, and in no other", async () => {
    const assignment = await assignDoctor(nurse);
    await nurse.patch(pathOf(assignment), { role: "covering", primary: true });
    const [current] = await listOf(`patient=${assignment.patient}`);
    expect(await listOf(`patient=${assignment.patient}&ended=true`)).toEqual([]);
    expect((await admin.delete(pathOf(assignment))).status).toBe(204);
    const expected = {
      ...current,
      ended_at: anyTimestamp,
      ended_by: admin.id,
      version: 3,
      doctor_name: "Gregory House",
    };
    const answer = await nurse.get(`/api/mappings/?patient=${assignment.patient}&ended=true`);
    expect(answer.body).toEqual([expected]);
    expect(Object.keys(answer.body[0])).toEqual(Object.keys(expected));
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "list", patients: [assignment.patient] }]);
    for (const query of ["", "&ended=false"])
      expect(await listOf(`patient=${assignment.patient}${query}`)).toEqual([]);
    expect((await nurse.get(`/api/mappings/${assignment.patient}/`)).body.doctors).toEqual([]);
    expect((await nurse.get(`/api/doctors/?patient=${assignment.patient}`)).body).toEqual([]);
    expect((await nurse.get(`/api/patients/?doctor=${assignment.doctor}`)).body).toEqual([]);
  });

  test("lets the doctor be assigned to the patient again, as another assignment, which can end too", async () => {
    const { patient, doctor, ...first } = await endedAssignment();
    const ids = { patient: { id: patient }, doctor: { id: doctor } };
    const second = await assignDoctor(nurse, ids);
    expect(await nurse.post("/api/mappings/", { patient, doctor })).toEqual(problem(409));
    expect(idsOf({ body: await listOf(`patient=${patient}`) } as never)).toEqual([second.id]);
    await nurse.delete(pathOf(second));
    expect(await listOf(`patient=${patient}&ended=true`)).toMatchObject([
      { id: first.id },
      { id: second.id },
    ]);
  });

  test("does not keep the doctor from being deleted, and has its name then, and no doctor", async () => {
    const doctor = await postDoctor(nurse, { firstname: "Lisa", lastname: "Cuddy" });
    const current = await assignDoctor(nurse, { doctor });
    const ended = await endedAssignment({ doctor });
    expect(await nurse.delete(`/api/doctors/${doctor.id}/`)).toEqual(
      problem(409, "This doctor still has 1 patient; end the assignments first."),
    );
    await nurse.delete(pathOf(current));
    const before = await listOf(`doctor=${doctor.id}&ended=true`);
    expect(before).toMatchObject([{ id: current.id, doctor: { id: doctor.id } }, { id: ended.id }]);
    expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
    const expected = before.map((one: object) => ({ ...one, doctor: null, doctor_name: "Lisa Cuddy" }));
    expect(await listOf(`doctor=${doctor.id}&ended=true`)).toEqual(expected);
    expect(await listOf(`patient=${ended.patient}&ended=true`)).toEqual([expected[1]]);
  });

  test("goes with its patient: it is hidden while the patient is deleted, transferred with it, and erased with it", async () => {
    const { patient: id, ...ended } = await endedAssignment();
    const other = await newAccount(api);
    const seenBy = async (account = nurse) => idsOf({ body: await listOf("ended=true", account) } as never);
    expect(await seenBy()).toContain(ended.id);
    await nurse.delete(patientPath({ id }));
    for (const query of [`patient=${id}`, `doctor=${ended.doctor}`])
      expect(await listOf(`ended=true&${query}`, admin)).toEqual([]);
    expect(await seenBy()).not.toContain(ended.id);
    await postRestore(nurse, { id });
    expect(await seenBy()).toContain(ended.id);
    await postTransfer(admin, { id }, other);
    expect(await seenBy()).not.toContain(ended.id);
    expect(await seenBy(other)).toEqual([ended.id]);
    await other.delete(patientPath({ id }));
    expect((await postErase(admin, { id })).body).toMatchObject({ removed: { assignments: 1 } });
    expect(await seenBy(other)).toEqual([]);
  });

  test("is listed for all members of the patient's clinic, with the account that has ended it", async () => {
    const clinic = await newClinic();
    const [one, two] = [await newMember(api, clinic, "clinician"), await newMember(api, clinic, "clinician")];
    const { id } = await endedAssignment({}, one);
    expect(await listOf("ended=true", two)).toMatchObject([{ id, ended_by: one.id }]);
  });

  test("gives the doctor's own account nothing: neither the patient nor the assignment", async () => {
    const { account, doctor } = await newDoctorsAccount(admin);
    const { patient: id, ...ended } = await endedAssignment({ doctor });
    expect(await account.get(patientPath({ id }))).toEqual(problem(404));
    for (const query of ["", `&doctor=${doctor.id}`, `&patient=${id}`])
      expect(await listOf(`ended=true${query}`, account)).toEqual([]);
    expect(await account.delete(pathOf(ended))).toEqual(problem(404));
  });
});

test("an assignment that version 1.1 inserts is an ordinary one, and one that it deletes is in no list", async () => {
  const [patient, doctor] = [await postPatient(nurse), await postDoctor(nurse)];
  const [assignment] = await asOwner`
    INSERT INTO mappings (patient_id, owner_id, doctor_id) VALUES (${patient.id}, ${nurse.id}, ${doctor.id}) RETURNING id`;
  const expected = { id: assignment?.["id"], role: "attending", primary: false, ended_at: null, version: 1 };
  expect(await listOf(`patient=${patient.id}`)).toMatchObject([expected]);
  await asOwner`DELETE FROM mappings WHERE id = ${assignment?.["id"]}`;
  for (const ended of [true, false]) expect(await listOf(`patient=${patient.id}&ended=${ended}`)).toEqual([]);
  expect((await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id })).status).toBe(201);
});

describe("the lists of ended assignments", () => {
  const world = {} as {
    account: typeof nurse;
    first: { id: number };
    second: { id: number };
    doctors: { id: number }[];
  };
  /** Those of the account: 0 to 3. Number 4 belongs to another account, 5 has not ended. */
  const assignments: { id: number }[] = [];
  beforeAll(async () => {
    const account = await newAccount(api);
    const doctors = [await postDoctor(admin), await postDoctor(admin)];
    const [first, second] = [await postPatient(account), await postPatient(account)];
    Object.assign(world, { account, first, second, doctors });
    for (const patient of [first, second])
      for (const doctor of doctors) assignments.push(await endedAssignment({ patient, doctor }, account));
    assignments.push(await endedAssignment({ doctor: doctors[0] as { id: number } }));
    assignments.push(await assignDoctor(account, { patient: first, doctor: doctors[0] as { id: number } }));
  });
  const fill = (query: string) =>
    query
      .replace("FIRST", String(world.first.id))
      .replace("D0", String(world.doctors[0]?.id))
      .replace("D1", String(world.doctors[1]?.id));

  test.each([
    ["sort=id", [0, 1, 2, 3], []],
    ["sort=created_at", [0, 1, 2, 3], []],
    ["patient=FIRST", [0, 1], []],
    ["patient=FIRST&sort=created_at", [0, 1], []],
    ["doctor=D0", [0, 2], [0, 2, 4]],
    ["doctor=D0&sort=created_at", [0, 2], [0, 2, 4]],
    ["doctor=D1", [1, 3], [1, 3]],
    ["patient=FIRST&doctor=D0", [0], [0]],
    ["patient=FIRST&doctor=D0&sort=created_at", [0], [0]],
  ])(
    "by %s have those of the own patients, and for an admin those of one doctor, each once, in both directions and with any limit",
    async (query, own, ofAdmin) => {
      for (const [account, found] of [
        [world.account, own],
        [admin, ofAdmin],
      ] as const)
        for (const [asked, expected] of bothDirections(fill(query), [...found]))
          for (const limit of [1, 200]) {
            const ids = [];
            for await (const page of pagesFrom(account, `/api/mappings/?ended=true&limit=${limit}&${asked}`))
              ids.push(...idsOf(page));
            const indexes = ids.map((id) => assignments.findIndex((one) => one.id === id));
            expect([asked, limit, indexes]).toEqual([asked, limit, expected]);
          }
    },
  );

  test("have cursors of their own: one of the current assignments is 400", async () => {
    const { headers } = await world.account.get("/api/mappings/?ended=true&limit=1");
    const cursor = /cursor=([^&>]+)/.exec(headers.get("Link") ?? "")?.[1];
    expect(await world.account.get(`/api/mappings/?ended=false&cursor=${cursor}`)).toEqual(
      expect.objectContaining({ status: 400 }),
    );
  });
});
