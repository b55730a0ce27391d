import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newPatient, signUp } from "../support/fixtures.ts";
import { atOnce, CROWD, rounds, tally } from "../support/races.ts";

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
