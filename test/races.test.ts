import { describe, expect, test } from "vitest";
import { type Answer, connectApi } from "./support/api.ts";
import {
  type Account,
  asOwner,
  create,
  newDoctor,
  newPatient,
  PASSWORD,
  signUp,
  unique,
} from "./support/fixtures.ts";

const CROWD = 20;
const rounds = (count: number) => Array.from({ length: count }, (_, round) => round);

/** As many at once as `send` is asked for. */
const atOnce = (count: number, send: (index: number) => Promise<Answer>) =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));

/** How many answers there are of each status. */
const tally = (answers: Answer[]): Record<number, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, of]) => [
      Number(status),
      of?.length ?? 0,
    ]),
  );

/** Creates several at once, to be there before a race. */
const several = (account: Account, path: string, make: () => unknown, count = 10) =>
  Promise.all(Array.from({ length: count }, () => create(account, path, make())));

describe.each(rounds(5))("of 20 at once, round %i:", () => {
  test("one registers a username, in whatever case", async () => {
    const api = connectApi();
    const name = unique("user-");
    const answers = await atOnce(CROWD, (index) =>
      api.post("/api/auth/register/", {
        username: index % 2 ? name : name.toUpperCase(),
        email: "nurse@example.org",
        password: PASSWORD,
      }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect(await asOwner`SELECT id FROM users WHERE lower(username) = ${name}`).toHaveLength(1);
  });

  test("one assigns a doctor to a patient", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    const answers = await atOnce(CROWD, () =>
      nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect((await nurse.get("/api/mappings/")).body).toHaveLength(1);
  });

  test("one spends a refresh token, and the session goes on", async () => {
    const api = connectApi();
    const { refresh, access } = await signUp(api);
    const answers = await atOnce(CROWD, () => api.post("/api/auth/refresh/", { refresh }));
    expect(tally(answers)).toEqual({ 200: 1, 401: 19 });
    const { body } = answers.find(({ status }) => status === 200) ?? {};
    for (const token of [access, body.access]) {
      expect((await api.get("/api/auth/me/", { token })).status).toBe(200);
    }
    expect((await api.post("/api/auth/refresh/", { refresh: body.refresh })).status).toBe(200);
  });

  test("one creates a patient of an email", async () => {
    const nurse = await signUp(connectApi());
    const { email } = newPatient();
    const answers = await atOnce(CROWD, () => nurse.post("/api/patients/", newPatient({ email })));
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect((await nurse.get("/api/patients/")).body).toHaveLength(1);
  });

  test("one of the patients who are given the same email gets it", async () => {
    const nurse = await signUp(connectApi());
    const patients = await several(nurse, "/api/patients/", newPatient, CROWD);
    const { email } = newPatient();
    const answers = await atOnce(CROWD, (index) =>
      nurse.patch(`/api/patients/${patients[index].id}/`, { email }),
    );
    expect(tally(answers)).toEqual({ 200: 1, 409: 19 });
  });

  test("one deletes a patient", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    const answers = await atOnce(CROWD, () => nurse.delete(`/api/patients/${id}/`));
    expect(tally(answers)).toEqual({ 204: 1, 404: 19 });
  });
});

test.each(rounds(30))(
  "two patients who swap emails at once: neither gets the other's, round %i",
  async () => {
    const nurse = await signUp(connectApi());
    const [one, other] = await several(nurse, "/api/patients/", newPatient, 2);
    const answers = await Promise.all([
      nurse.patch(`/api/patients/${one.id}/`, { email: other.email }),
      nurse.patch(`/api/patients/${other.id}/`, { email: one.email }),
    ]);
    expect(tally(answers)).toEqual({ 409: 2 });
  },
);

/** The requests of two kinds at once, in an order that is another in each round: the answers by kind. */
async function mingle(
  round: number,
  many: (() => Promise<Answer>)[],
  few: (() => Promise<Answer>)[],
): Promise<[Answer[], Answer[]]> {
  const answers = new Map<() => Promise<Answer>, Answer>();
  const order = many.toSpliced(round % (many.length + 1), 0, ...few);
  await Promise.all(order.map(async (send) => void answers.set(send, await send())));
  const of = (sends: typeof many) =>
    sends.map((send) => answers.get(send)).filter((one) => one !== undefined);
  return [of(many), of(few)];
}

test.each(rounds(22))("a doctor is deleted or assigned by many, never both, round %i", async (round) => {
  const nurse = await signUp(connectApi());
  const patients = await several(nurse, "/api/patients/", newPatient);
  const { id: doctor } = await create(nurse, "/api/doctors/", newDoctor());
  const [assigned, deleted] = await mingle(
    round,
    patients.map(
      ({ id }) =>
        () =>
          nurse.post("/api/mappings/", { patient: id, doctor }),
    ),
    rounds(3).map(() => () => nurse.delete(`/api/doctors/${doctor}/`)),
  );
  const left = await asOwner`SELECT id FROM mappings WHERE doctor_id = ${doctor}`;
  const gone = (await nurse.get(`/api/doctors/${doctor}/`)).status === 404;
  const outcome = { assigned: tally(assigned), deleted: tally(deleted), left: left.length };
  expect(outcome).toEqual(
    gone
      ? { assigned: { 400: 10 }, deleted: { 204: 1, 404: 2 }, left: 0 }
      : { assigned: { 201: 10 }, deleted: { 409: 3 }, left: 10 },
  );
  for (const { status, body } of assigned) if (status === 400) expect(body.errors).toHaveProperty("doctor");
});

test.each(rounds(22))(
  "a patient who is deleted while being assigned leaves nothing behind, round %i",
  async (round) => {
    const nurse = await signUp(connectApi());
    const doctors = await several(nurse, "/api/doctors/", newDoctor);
    const { id: patient } = await create(nurse, "/api/patients/", newPatient());
    const [assigned, deleted] = await mingle(
      round,
      doctors.map(
        ({ id }) =>
          () =>
            nurse.post("/api/mappings/", { patient, doctor: id }),
      ),
      rounds(3).map(() => () => nurse.delete(`/api/patients/${patient}/`)),
    );
    expect(tally(deleted)).toEqual({ 204: 1, 404: 2 });
    for (const { status, body } of assigned) {
      expect([201, 400]).toContain(status);
      if (status === 400) expect(body.errors).toEqual({ patient: ["There is no such patient."] });
    }
    expect(await asOwner`SELECT id FROM mappings WHERE patient_id = ${patient}`).toEqual([]);
    for (const { id } of doctors) expect((await nurse.delete(`/api/doctors/${id}/`)).status).toBe(204);
  },
);

test.each(rounds(20))("changes of different fields of one patient at once all stay, round %i", async () => {
  const nurse = await signUp(connectApi());
  const patient = await create(nurse, "/api/patients/", newPatient());
  const changes = [{ firstname: "Augusta" }, { lastname: "King" }, { age: 37 }, { gender: "O" }];
  const answers = await atOnce(changes.length, (index) =>
    nurse.patch(`/api/patients/${patient.id}/`, changes[index]),
  );
  expect(tally(answers)).toEqual({ 200: 4 });
  const { body } = await nurse.get(`/api/patients/${patient.id}/`);
  expect(body).toEqual({ ...patient, ...Object.assign({}, ...changes), updated_at: body.updated_at });
});

test.each(rounds(10))("an account disabled amid its writes writes nothing afterwards, round %i", async () => {
  const nurse = await signUp(connectApi());
  let disabled = false;
  const write = async () => {
    const late = disabled;
    return { late, answer: await nurse.post("/api/patients/", newPatient()) };
  };
  const before = rounds(CROWD).map(write);
  const disabling = asOwner`UPDATE users SET active = false WHERE id = ${nurse.id}`.then(() => {
    disabled = true;
    return rounds(5).map(write);
  });
  const writes = await Promise.all([...before, ...(await disabling)]);
  const created = writes.filter(({ answer }) => answer.status === 201);
  expect(tally(writes.filter(({ late }) => late).map(({ answer }) => answer))).toEqual({ 401: 5 });
  expect(tally(writes.filter(({ answer }) => answer.status !== 201).map(({ answer }) => answer))).toEqual({
    401: writes.length - created.length,
  });
  expect(await asOwner`SELECT id FROM patients WHERE created_by = ${nurse.id}`).toHaveLength(created.length);
});
