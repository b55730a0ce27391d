import { expect, test } from "vitest";
import { type Answer, connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { rounds, several, tally } from "../support/races.ts";

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
