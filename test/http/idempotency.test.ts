import { describe, expect, test } from "vitest";
import { type Account, newAccount, unique } from "../support/accounts.ts";
import { type Answer, connectApi } from "../support/api.ts";
import { asOwner, owner } from "../support/owner.ts";
import { problem, refusal } from "../support/problems.ts";
import { atOnce, CROWD, rounds, tally } from "../support/races.ts";
import { createDoctor, createPatient, newDoctor, newPatient } from "../support/records.ts";

const withKey = (key: string) => ({ headers: { "Idempotency-Key": key } });
const replayed = ({ headers }: Answer) => headers.get("Idempotency-Replayed");

const kinds = [
  { kind: "patients", body: async () => newPatient() as object, another: async () => newPatient() as object },
  { kind: "doctors", body: async () => newDoctor() as object, another: async () => newDoctor() as object },
  {
    kind: "mappings",
    body: async (account: Account) => ({
      patient: (await createPatient(account)).id,
      doctor: (await createDoctor(account)).id,
    }),
    another: async (account: Account) => ({
      patient: (await createPatient(account)).id,
      doctor: (await createDoctor(account)).id,
    }),
  },
];
const count = async (kind: string, { id }: { id: number }) => {
  const column = kind === "mappings" ? "owner_id" : "created_by";
  const rows = await owner().query(`SELECT id FROM ${kind} WHERE ${column} = $1`, [id]);
  return rows.length;
};

describe.each(kinds)("a key for $kind:", ({ kind, body, another }) => {
  const path = `/api/${kind}/`;

  test("the same again gets the first answer, byte for byte, in one database request, and makes nothing", async () => {
    const account = await newAccount();
    const [sent, options] = [await body(account), withKey(unique("key-"))];
    await account.api.databaseRequests();
    const first = await account.post(path, sent, options);
    expect([first.status, replayed(first)]).toEqual([201, null]);
    expect(await account.api.databaseRequests()).toBe(1);
    const reordered = Object.fromEntries(Object.entries(sent).reverse());
    for (const same of [sent, reordered]) {
      const again = await account.post(path, same, options);
      expect([again.status, again.body, replayed(again)]).toEqual([201, first.body, "true"]);
      for (const name of ["Location", "ETag"]) expect(again.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(await account.api.databaseRequests()).toBe(2);
    expect(await count(kind, account)).toBe(1);
    // Nor does the first answer change with the record.
    await account.delete(`${path}${first.body.id}/`);
    expect((await account.post(path, sent, options)).body).toEqual(first.body);
  });

  test("with another body it is 422 and makes nothing", async () => {
    const account = await newAccount();
    const options = withKey(unique("key-"));
    await account.post(path, await body(account), options);
    const before = await count(kind, account);
    const mistaken = problem(422, "This Idempotency-Key came with another request before.");
    expect(await account.post(path, await another(account), options)).toEqual(mistaken);
    expect(await count(kind, account)).toBe(before);
  });

  test.each(rounds(3))("many at once with it make one, and all get its answer, round %i", async () => {
    const account = await newAccount();
    const [sent, options] = [await body(account), withKey(unique("key-"))];
    const answers = await atOnce(CROWD, () => account.post(path, sent, options));
    expect(tally(answers)).toEqual({ 201: CROWD });
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await count(kind, account)).toBe(1);
  });

  test("an answer that was lost after the commit is given again", async () => {
    const account = await newAccount();
    const [sent, options] = [await body(account), withKey(unique("key-"))];
    // Both of the API's attempts.
    await account.api.disturbDatabase({ fault: "drop-after", times: 2 });
    expect((await account.post(path, sent, options)).status).toBe(503);
    const again = await account.post(path, sent, options);
    expect([again.status, replayed(again), await count(kind, account)]).toEqual([201, "true", 1]);
  });
});

test("what could not be made is not remembered: the same key may be tried again", async () => {
  const account = await newAccount();
  const [sent, options] = [newPatient(), withKey("one")];
  const { id } = await createPatient(account, { email: sent.email });
  expect(await account.post("/api/patients/", sent, options)).toEqual(problem(409));
  await account.delete(`/api/patients/${id}/`);
  expect((await account.post("/api/patients/", sent, options)).status).toBe(201);
  const assignment = { patient: id, doctor: (await createDoctor(account)).id };
  expect(await account.post("/api/mappings/", assignment, withKey("two"))).toEqual(refusal("patient"));
  expect(await asOwner`SELECT key FROM idempotency_keys WHERE account_id = ${account.id}`).toEqual([
    { key: "one" },
  ]);
});

test("each account has its own keys, and one is for one kind of record", async () => {
  const [nurse, other] = [await newAccount(), await newAccount()];
  const options = withKey("the-same");
  const answers = [
    await nurse.post("/api/patients/", newPatient(), options),
    await other.post("/api/patients/", newPatient(), options),
    await nurse.post("/api/doctors/", newDoctor(), options),
  ];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 422]);
});

test("a revoked account gets no earlier answer", async () => {
  const account = await newAccount();
  const sent = newPatient();
  await account.post("/api/patients/", sent, withKey("one"));
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  expect((await account.post("/api/patients/", sent, withKey("one"))).status).toBe(401);
});

test("a key is 1 to 255 visible ASCII characters; another is 400 and asks nothing of the database", async () => {
  const account = await newAccount();
  const post = (key: string) => account.post("/api/patients/", newPatient(), withKey(key));
  for (const key of ["!", "~".repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
    expect((await post(key)).status).toBe(201);
  await account.api.databaseRequests();
  for (const key of ["", " ", "a b", "a\tb", "\u00e9", "x".repeat(256)])
    expect([key, await post(key)]).toEqual([key, refusal("Idempotency-Key")]);
  expect(await account.api.databaseRequests()).toBe(0);
});

test("of 500 creations, each sent until it is acknowledged while the database fails at random, each is there once", async () => {
  const account = await newAccount(connectApi({ DATABASE_TIMEOUT_MS: 500 }));
  await account.api.disturbDatabase({ fault: "any", share: 0.3 });
  const sent = Array.from({ length: 500 }, () => newPatient());
  let unavailable = 0;
  const create = async (index: number) => {
    for (;;) {
      const answer = await account.post("/api/patients/", sent[index], withKey(`creation-${index}`));
      if (answer.status === 201) return answer.body;
      expect(answer.status).toBe(503);
      unavailable += 1;
    }
  };
  const made: { id: number; email: string }[] = [];
  for (let start = 0; start < sent.length; start += 25)
    made.push(...(await atOnce(25, (index) => create(start + index))));
  expect(unavailable).toBeGreaterThan(20); // 49 is to be expected, for the API tries twice
  const stored = await asOwner`SELECT id, email FROM patients WHERE created_by = ${account.id} ORDER BY id`;
  expect(stored).toEqual(made.map(({ id, email }) => ({ id, email })).sort((a, b) => a.id - b.id));
  expect(stored.map(({ email }) => email).sort()).toEqual(sent.map(({ email }) => email).sort());
}, 60_000);
