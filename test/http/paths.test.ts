import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const nurse = await newAccount(api);
const { patient, doctor } = await assignDoctor(nurse);
await postPatient(nurse);

test.each([
  ...["/", "/api/", "/api/nothing/", "/api/auth/", "/API/patients/", "/api/patientsx/", "/api/patients/1/2/"],
  ...["/api/patients//", "/api/doctors/1/patients/", "/api/mappings/1/delete/2/", "/.env"],
])("%s is not a route and gets 404 without a database request", async (path) => {
  await api.databaseRequests();
  for (const answer of [await nurse.get(path), await nurse.post(path, {})])
    expect(answer).toEqual(problem(404, "There is no such route."));
  expect(await api.databaseRequests()).toBe(0);
});

test.each([
  ...["%00", "1%00", "%201", "1%20", "1%0A", "1%2E", "%2F", "%zz", "%C3%28", "%D9%A1", "+1", "1'--"],
])("the id %s gets 404 without a database request", async (id) => {
  await api.databaseRequests();
  expect(await nurse.get(`/api/patients/${id}/`)).toEqual(problem(404));
  expect(await api.databaseRequests()).toBe(0);
});

test.each([
  ...["/readyz", "/api/auth/me/", "/api/patients/?sort=-id", `/api/patients/${patient}/`, "/api/mappings/"],
  ...[`/api/doctors/${doctor}/`, `/api/mappings/${patient}/`, "/api/patients/2147483647/", "/api/nothing/"],
])("HEAD of %s answers as GET does without the body, in as many database requests", async (path) => {
  await api.databaseRequests();
  const { status, headers } = withoutRequestDetails(await nurse.get(path));
  const requests = await api.databaseRequests();
  const head = withoutRequestDetails(await nurse.request("HEAD", path));
  expect(head).toEqual({ status, headers, body: { request_id: "" } });
  expect(await api.databaseRequests()).toBe(requests);
});
