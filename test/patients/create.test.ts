import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newPatient, signUp } from "../support/fixtures.ts";
import { moment, problem } from "../support/problems.ts";

test("a created patient is answered with 201, all its fields and its Location", async () => {
  const nurse = await signUp(connectApi());
  const sent = newPatient();
  const { status, body, headers } = await nurse.post("/api/patients/", sent);
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.any(Number),
    ...sent,
    created_by: nurse.id,
    created_at: moment,
    updated_at: body.created_at,
  });
  expect(body.id).toBeGreaterThan(0);
  expect(headers.get("Location")).toBe(`/api/patients/${body.id}/`);
  expect(headers.get("Content-Type")).toBe("application/json");
});

test("the Location of a created patient reads it", async () => {
  const nurse = await signUp(connectApi());
  const created = await nurse.post("/api/patients/", newPatient());
  const read = await nurse.get(created.headers.get("Location") ?? "");
  expect(read).toMatchObject({ status: 200, body: created.body });
  expect(read.body).toEqual(created.body);
});

test("created_at is the moment of the creation", async () => {
  const nurse = await signUp(connectApi());
  const { created_at } = await create(nurse, "/api/patients/", newPatient());
  expect(Math.abs(Date.now() - Date.parse(created_at))).toBeLessThan(10_000);
});

test("the list is of all of one's own patients, whole and in order of id, and of nobody else's", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const other = await signUp(api);
  const first = await create(nurse, "/api/patients/", newPatient());
  await create(other, "/api/patients/", newPatient());
  const second = await create(nurse, "/api/patients/", newPatient());
  const { status, body } = await nurse.get("/api/patients/");
  expect(status).toBe(200);
  expect(body).toEqual([first, second]);
});

test("the list of an account without patients is empty", async () => {
  const nurse = await signUp(connectApi());
  const { status, body } = await nurse.get("/api/patients/");
  expect({ status, body }).toEqual({ status: 200, body: [] });
});

test("read-only fields are ignored when a patient is created", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const other = await signUp(api);
  const theirs = await create(other, "/api/patients/", newPatient());
  const sent = newPatient();
  const body = await create(nurse, "/api/patients/", { ...theirs, ...sent });
  expect(body).toEqual({
    ...sent,
    id: body.id,
    created_by: nurse.id,
    created_at: moment,
    updated_at: moment,
  });
  expect(body.id).not.toBe(theirs.id);
});

test("read-only fields are not even looked at", async () => {
  const nurse = await signUp(connectApi());
  const readOnly = { id: "x", created_by: {}, created_at: [], updated_at: "\0" };
  const { status } = await nurse.post("/api/patients/", newPatient(readOnly));
  expect(status).toBe(201);
});

test("an email that one of one's patients has is 409, in whatever case", async () => {
  const nurse = await signUp(connectApi());
  const patient = await create(nurse, "/api/patients/", newPatient());
  const email = patient.email.toUpperCase();
  const answer = await nurse.post("/api/patients/", newPatient({ email: ` ${email} ` }));
  expect(answer).toEqual(problem(409, "You already have a patient with this email."));
  expect((await nurse.get("/api/patients/")).body).toEqual([patient]);
});

test("an email that another account's patient has is free", async () => {
  const api = connectApi();
  const { email } = await create(await signUp(api), "/api/patients/", newPatient());
  const { status } = await (await signUp(api)).post("/api/patients/", newPatient({ email }));
  expect(status).toBe(201);
});

test("the email of a deleted patient is free again", async () => {
  const nurse = await signUp(connectApi());
  const { id, email } = await create(nurse, "/api/patients/", newPatient());
  await nurse.delete(`/api/patients/${id}/`);
  const { status } = await nurse.post("/api/patients/", newPatient({ email }));
  expect(status).toBe(201);
});
