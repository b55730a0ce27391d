import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { newPatient, signUp } from "../support/fixtures.ts";
import { refusal } from "../support/problems.ts";
import { emails, names, notEmails, notNames, oddSpaces } from "../support/text.ts";
import { write, writeInVain, writes } from "../support/writes.ts";

const patients = { path: "/api/patients/", valid: newPatient };
const account = () => signUp(connectApi());

describe.each(writes)("%s of a patient", (method) => {
  const accepted = { status: method === "POST" ? 201 : 200 };

  test.each(names)("accepts names %s", async (_, sent, kept) => {
    const fields = { firstname: sent, lastname: sent };
    const written = await write(await account(), method, patients, fields);
    expect(written).toMatchObject({ answer: accepted, kept: { firstname: kept, lastname: kept } });
    expect(written.answer.body).toEqual(written.kept);
  });

  test.each(notNames)("refuses names %s", async (_, sent) => {
    const fields = { firstname: sent, lastname: sent };
    const { answer, before, after } = await writeInVain(await account(), method, patients, fields);
    expect(answer).toEqual(refusal("firstname", "lastname"));
    expect(after).toEqual(before);
  });

  test.each(oddSpaces)("does not break on the odd white space %j", async (space) => {
    const nurse = await account();
    for (const name of [space, `${space}Ada${space}`]) {
      const { answer } = await write(nurse, method, patients, { firstname: name });
      expect([accepted.status, 400]).toContain(answer.status);
    }
  });

  test.each(emails)("accepts an email %s", async (_, makeEmail) => {
    const email = makeEmail();
    const written = await write(await account(), method, patients, { email });
    expect(written).toMatchObject({ answer: accepted, kept: { email } });
  });

  test("trims an email", async () => {
    const { email } = newPatient();
    const written = await write(await account(), method, patients, { email: `\u00a0 ${email}\n` });
    expect(written).toMatchObject({ answer: accepted, kept: { email } });
  });

  test.each(notEmails)("refuses an email %s", async (_, email) => {
    const { answer, before, after } = await writeInVain(await account(), method, patients, { email });
    expect(answer).toEqual(refusal("email"));
    expect(after).toEqual(before);
  });

  test.each([0, 1, 119, 120])("accepts the age %d", async (age) => {
    const written = await write(await account(), method, patients, { age });
    expect(written).toMatchObject({ answer: accepted, kept: { age } });
  });

  test.each([-1, 121, 1.5, 32_768, 2 ** 31, 1e300, "30", "", null, true, [30], {}])(
    "refuses the age %j",
    async (age) => {
      const { answer, before, after } = await writeInVain(await account(), method, patients, { age });
      expect(answer).toEqual(refusal("age"));
      expect(after).toEqual(before);
    },
  );

  test.each(["M", "F", "O", "U"])("accepts the gender %s", async (gender) => {
    const written = await write(await account(), method, patients, { gender });
    expect(written).toMatchObject({ answer: accepted, kept: { gender } });
  });

  test.each(["", "X", "m", " M", "MF", "male", null, 1, ["M"]])("refuses the gender %j", async (gender) => {
    const { answer, before, after } = await writeInVain(await account(), method, patients, { gender });
    expect(answer).toEqual(refusal("gender"));
    expect(after).toEqual(before);
  });

  test.each(["first_name", "doctor", "created", "toString", "hasOwnProperty", "constructor", ""])(
    "refuses the field %j, which a patient does not have",
    async (field) => {
      const fields = { lastname: "Byron", [field]: "Ada" };
      const { answer, before, after } = await writeInVain(await account(), method, patients, fields);
      expect(answer).toEqual(refusal(field || "body"));
      expect(after).toEqual(before);
    },
  );

  test("names all invalid fields at once", async () => {
    const fields = { firstname: "", lastname: 1, email: "x", age: 121, gender: "X", ward: 3 };
    const { answer } = await writeInVain(await account(), method, patients, fields);
    expect(answer).toEqual(refusal("firstname", "lastname", "email", "age", "gender", "ward"));
  });
});

test("a field called __proto__ is refused as any that a patient does not have", async () => {
  const nurse = await account();
  const raw = JSON.stringify(newPatient()).replace("{", '{"__proto__": {"age": 1},');
  const answer = await nurse.post("/api/patients/", undefined, {
    raw,
    headers: { "Content-Type": "application/json" },
  });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors)).toEqual(["__proto__"]);
});

test("an age beyond every number is refused", async () => {
  const nurse = await account();
  const raw = JSON.stringify(newPatient({ age: 12345 })).replace("12345", "1e400");
  const answer = await nurse.post("/api/patients/", undefined, {
    raw,
    headers: { "Content-Type": "application/json" },
  });
  expect(answer).toEqual(refusal("age"));
});

test.each(["firstname", "lastname", "email", "age", "gender"])(
  "a patient is not created without %s",
  async (field) => {
    const nurse = await account();
    const answer = await nurse.post("/api/patients/", newPatient({ [field]: undefined }));
    expect(answer).toEqual(refusal(field));
    expect((await nurse.get("/api/patients/")).body).toEqual([]);
  },
);

test.each([[[]], ["patient"], [7], [null], [true]])("%j is no patient", async (body) => {
  const answer = await (await account()).post("/api/patients/", body);
  expect(answer).toEqual(refusal("body"));
});
