import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import {
  newDoctorsAccount,
  patientPath,
  postErase,
  postRestore,
  postTransfer,
} from "../support/ownership.ts";
import { nextOf } from "../support/pages.ts";
import { newPatient } from "../support/resources.ts";
import { applyChanges, type Copy, readAll, readChanges } from "./feed.ts";

// Copies that are kept by the feed alone, while concurrent requests change everything, end as the lists.

const ROUNDS = 8;
const REQUESTS = 8;

/** The same numbers in each run (a linear congruential generator). */
let state = 20_261_128;
function random(): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return state / 2 ** 32;
}
const pick = <Item>(items: Item[]): Item => items[Math.floor(random() * items.length)] as Item;

/** What the lists show an account; of the doctors, those of `doctors`. */
async function copyOfLists(account: TestAccount, doctors: number[]): Promise<Copy> {
  const copy: Copy = new Map();
  for (const [kind, list] of [
    ["patient", "patients"],
    ["assignment", "mappings"],
  ])
    for (let path: string | undefined = `/api/${list}/?limit=200`; path; ) {
      const page = await account.get(path);
      for (const { id, version } of page.body) copy.set(`${kind} ${id}`, version);
      path = nextOf(page);
    }
  for (const id of doctors) {
    const { status, body } = await account.get(`/api/doctors/${id}/`);
    if (status === 200) copy.set(`doctor ${id}`, body.version);
  }
  return copy;
}

test("copies of three accounts end as their lists after concurrent changes of all kinds", async () => {
  const [ada, grace, admin] = [await newAccount(), await newAccount(), await newAccount(undefined, "admin")];
  const { account: doctors, doctor } = await newDoctorsAccount(admin);
  const { doctor: other } = await newDoctorsAccount(admin);
  const owners = [ada, grace, doctors];
  const ids: number[] = [];
  const by = async (send: (account: TestAccount) => Promise<unknown>) => Promise.all(owners.map(send));
  const created = async () => {
    const { body } = await pick(owners).post("/api/patients/", newPatient());
    ids.push(body.id);
  };
  const reason = "Ward 3 takes over.";
  const requests: ((id: number) => Promise<unknown>)[] = [
    created,
    (id) => by((account) => account.patch(`/api/patients/${id}/`, { lastname: `L${random()}` })),
    (id) => by((account) => account.delete(patientPath({ id }))),
    (id) => postRestore(admin, { id }),
    (id) => postErase(admin, { id }),
    (id) => postTransfer(admin, { id }, pick(owners)),
    () => admin.post("/api/patients/transfer/", { from: pick(owners).id, to: pick(owners).id, reason }),
    (id) => by((account) => account.post("/api/mappings/", { patient: id, doctor: doctor.id })),
    (id) =>
      by((account) =>
        account.post("/api/mappings/", { patient: id, doctor: other.id, primary: random() < 0.5 }),
      ),
    async (id) => {
      const rows = await asOwner`SELECT id FROM mappings WHERE patient_id = ${id}`;
      await Promise.all(rows.map((row) => admin.delete(`/api/mappings/${row["id"]}/`)));
    },
    async (id) => {
      const rows = await asOwner`SELECT id FROM mappings WHERE patient_id = ${id}`;
      await Promise.all(rows.map((row) => admin.patch(`/api/mappings/${row["id"]}/`, { primary: true })));
    },
    (id) => by((account) => account.post(`${patientPath({ id })}merge/`, { into: pick(ids) })),
    (id) => by((account) => account.post(`${patientPath({ id })}unmerge/`)),
    () => admin.patch(`/api/doctors/${other.id}/`, { active: random() < 0.5 }),
    () => admin.delete(`/api/doctors/${other.id}/`),
  ];
  const readers = owners.map((account) => ({
    account,
    copy: new Map() as Copy,
    cursor: undefined as string | undefined,
  }));
  for (let count = 0; count < 8; count += 1) await created();
  for (let round = 0; round < ROUNDS; round += 1) {
    // A change that commits after later ones.
    const late = await holdLock("UPDATE patients SET version = version + 1 WHERE id = $1", [pick(ids)]);
    const sent = Array.from({ length: REQUESTS }, () => pick(requests)(pick(ids)));
    for (const reader of readers) {
      const { changes, cursor } = await readChanges(reader.account, reader.cursor);
      applyChanges(reader.copy, changes);
      reader.cursor = cursor;
    }
    await late.release();
    await Promise.all(sent);
  }
  const known = [doctor.id, other.id];
  for (const { account, copy, cursor } of readers) {
    applyChanges(copy, (await readAll(account, cursor)).changes);
    // Other tests change doctors, too.
    const kept = [...copy].filter(
      ([key]) => !key.startsWith("doctor ") || known.includes(Number(key.slice(7))),
    );
    expect(new Map(kept.sort())).toEqual(new Map([...(await copyOfLists(account, known))].sort()));
    expect(copy.size).toBeGreaterThan(0);
  }
});
