import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newDoctor, signUp } from "../support/fixtures.ts";
import { refusal } from "../support/problems.ts";
import { emailOf, names, notEmails, notNames, oddSpaces } from "../support/text.ts";
import { write, writeInVain } from "../support/writes.ts";

const doctors = { path: "/api/doctors/", valid: newDoctor };
const account = () => signUp(connectApi());

describe.each(["POST", "PUT"] as const)("%s of a doctor", (method) => {
  const accepted = { status: method === "POST" ? 201 : 200 };

  test.each(names)("accepts names %s", async (_, sent, kept) => {
    const fields = { firstname: sent, lastname: sent };
    const written = await write(await account(), method, doctors, fields);
    expect(written).toMatchObject({ answer: accepted, kept: { firstname: kept, lastname: kept } });
  });

  test.each(notNames)("refuses names %s", async (_, sent) => {
    const fields = { firstname: sent, lastname: sent };
    const { answer, before, after } = await writeInVain(await account(), method, doctors, fields);
    expect(answer).toEqual(refusal("firstname", "lastname"));
    expect(after).toEqual(before);
  });

  test.each(oddSpaces)("does not break on the odd white space %j", async (space) => {
    const { answer } = await write(await account(), method, doctors, { firstname: space, lastname: space });
    expect([accepted.status, 400]).toContain(answer.status);
  });

  test("accepts an email of 128 characters", async () => {
    const email = emailOf(128);
    const written = await write(await account(), method, doctors, { email });
    expect(written).toMatchObject({ answer: accepted, kept: { email } });
  });

  test.each(notEmails)("refuses an email %s", async (_, email) => {
    const { answer, before, after } = await writeInVain(await account(), method, doctors, { email });
    expect(answer).toEqual(refusal("email"));
    expect(after).toEqual(before);
  });

  test.each([
    ...["M", "F", "O", "U"].map((gender) => ({ gender })),
    ...["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"].map((specialization) => ({ specialization })),
    ...[0, 1, 999, 1000].map((max_appointments_per_day) => ({ max_appointments_per_day })),
  ])("accepts %j", async (fields) => {
    const written = await write(await account(), method, doctors, fields);
    expect(written).toMatchObject({ answer: accepted, kept: fields });
  });

  test.each([
    ...["", "X", "f", "F ", null, 1].map((gender) => ({ gender })),
    ...["", "SURG", "card", "CARD ", null, 1, ["CARD"]].map((specialization) => ({ specialization })),
    ...[-1, 1001, 2 ** 31, 9.5, "10", null, true, [10]].map((max_appointments_per_day) => ({
      max_appointments_per_day,
    })),
    ...["age", "specialisation", "patients", "constructor"].map((field) => ({ [field]: 1 })),
  ])("refuses %j", async (fields) => {
    const { answer, before, after } = await writeInVain(await account(), method, doctors, fields);
    expect(answer).toEqual(refusal(...Object.keys(fields)));
    expect(after).toEqual(before);
  });

  test("names all invalid fields at once", async () => {
    const fields = {
      firstname: "",
      lastname: 1,
      email: "x",
      gender: "X",
      specialization: "X",
      max_appointments_per_day: -1,
      ward: 3,
    };
    const { answer } = await writeInVain(await account(), method, doctors, fields);
    expect(answer).toEqual(refusal(...Object.keys(fields)));
  });
});

test.each(["firstname", "lastname", "email", "gender", "specialization"])(
  "a doctor is not created without %s",
  async (field) => {
    const answer = await (await account()).post("/api/doctors/", newDoctor({ [field]: undefined }));
    expect(answer).toEqual(refusal(field));
  },
);

test("a doctor has 10 appointments per day when nothing is said", async () => {
  const doctor = await create(await account(), "/api/doctors/", newDoctor());
  expect(doctor.max_appointments_per_day).toBe(10);
});

test("more appointments than any number are refused", async () => {
  const raw = JSON.stringify(newDoctor({ max_appointments_per_day: 12345 })).replace("12345", "1e400");
  const headers = { "Content-Type": "application/json" };
  const answer = await (await account()).post("/api/doctors/", undefined, { raw, headers });
  expect(answer).toEqual(refusal("max_appointments_per_day"));
});
