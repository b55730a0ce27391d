import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, signUp } from "../support/fixtures.ts";
import { moment, problem } from "../support/problems.ts";

test("a created doctor is answered with 201, all its fields and its Location", async () => {
  const nurse = await signUp(connectApi());
  const sent = newDoctor({ max_appointments_per_day: 12 });
  const { status, body, headers } = await nurse.post("/api/doctors/", sent);
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.any(Number),
    ...sent,
    created_by: nurse.id,
    created_at: moment,
    updated_at: body.created_at,
  });
  expect(body.id).toBeGreaterThan(0);
  expect(headers.get("Location")).toBe(`/api/doctors/${body.id}/`);
});

test("every account reads every doctor, whole", async () => {
  const api = connectApi();
  const doctor = await create(await signUp(api), "/api/doctors/", newDoctor());
  const { status, body } = await (await signUp(api)).get(`/api/doctors/${doctor.id}/`);
  expect(status).toBe(200);
  expect(body).toEqual(doctor);
});

test("read-only fields are ignored when a doctor is created", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const theirs = await create(await signUp(api), "/api/doctors/", newDoctor());
  const { email } = newDoctor();
  const body = await create(nurse, "/api/doctors/", { ...theirs, email });
  expect(body).toEqual({
    ...theirs,
    email,
    id: body.id,
    created_by: nurse.id,
    created_at: moment,
    updated_at: moment,
  });
  expect(body.id).not.toBe(theirs.id);
});

test("an email that any doctor has is 409, in whatever case and for every account", async () => {
  const api = connectApi();
  const { email } = await create(await signUp(api), "/api/doctors/", newDoctor());
  const nurse = await signUp(api);
  const answer = await nurse.post("/api/doctors/", newDoctor({ email: ` ${email.toUpperCase()} ` }));
  expect(answer).toEqual(problem(409, "A doctor with this email already exists."));
  expect(await asOwner`SELECT id FROM doctors WHERE created_by = ${nurse.id}`).toEqual([]);
});

test("the email of a deleted doctor is free again", async () => {
  const nurse = await signUp(connectApi());
  const { id, email } = await create(nurse, "/api/doctors/", newDoctor());
  await nurse.delete(`/api/doctors/${id}/`);
  expect((await nurse.post("/api/doctors/", newDoctor({ email }))).status).toBe(201);
});

test.each(["GET", "PUT", "PATCH", "DELETE"])("%s of a doctor who is not there is 404", async (method) => {
  const api = connectApi();
  const { access } = await signUp(api);
  const body = method.startsWith("P") ? { firstname: "Lisa" } : undefined;
  for (const id of ["2147483647", "2147483648", "0", "-1", "01", "1.5", "abc"]) {
    expect(await api.request(method, `/api/doctors/${id}/`, body, { token: access })).toEqual(problem(404));
  }
});
