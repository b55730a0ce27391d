import { describe, expect, test } from "vitest";
import { ImportResult } from "../../src/patients/responses.ts";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, tally } from "../support/races.ts";
import { newPatient, postPatient } from "../support/resources.ts";
import { hostileNames } from "../support/text.ts";
import { CSV, exported, imported, NDJSON, patientRecordsOf, withoutIds } from "./files.ts";

const ndjson = (records: object[]) => records.map((record) => JSON.stringify(record)).join("\n");

/** Names that a spreadsheet or a parser might change. */
const unusualNames = [
  "=1+1",
  "+1",
  "-1",
  "@sum",
  "'=x",
  "''+x",
  "'t Hooft",
  '"quoted"',
  "a,b",
  "a\r\nb",
  "\u00a0 x",
  ...hostileNames,
];

describe.each([NDJSON, CSV])("an import of %s", (type) => {
  const fileOf = (records: Record<string, unknown>[]) => {
    if (type === NDJSON) return ndjson(records);
    const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
    return [
      ["firstname", "lastname", "email", "age", "gender"],
      ...withoutIds(records).map((record) => Object.values(record).map(cell)),
    ]
      .map((cells) => cells.join(","))
      .join("\r\n");
  };
  const first = type === NDJSON ? 1 : 2;

  test("creates all of its patients in one database request, and returns the line and id of each", async () => {
    const account = await newAccount();
    const records = Array.from({ length: 1000 }, (_, n) => newPatient({ age: n % 120 }));
    await account.api.databaseRequests();
    const { status, body } = await imported(account, fileOf(records), type);
    expect(status).toBe(201);
    expect(await account.api.databaseRequests()).toBe(1);
    expect(ImportResult.safeParse(body).success).toBe(true);
    expect([body.created.length, body.refused]).toEqual([1000, []]);
    const stored = await asOwner`SELECT * FROM patients WHERE created_by = ${account.id} ORDER BY id`;
    expect(withoutIds(stored)).toEqual(withoutIds(records));
    expect(body.created).toEqual(stored.map(({ id }, index) => ({ line: first + index, id })));
  });

  test("with invalid records creates none, and names each invalid line and field", async () => {
    const account = await newAccount();
    const { email } = await postPatient(account);
    const records = [
      newPatient(),
      newPatient({ age: 121, gender: "X" }),
      newPatient(),
      newPatient({ firstname: " ", lastname: "Lovelace\u202e" }),
    ];
    const answer = await imported(account, fileOf(records), type);
    expect(answer).toEqual(fieldProblem(`${first + 1}.age`, `${first + 1}.gender`, `${first + 3}.lastname`));
    const duplicates = [newPatient({ email: email.toUpperCase() }), newPatient(), newPatient()];
    duplicates.push(newPatient({ email: duplicates[1]?.email.toUpperCase() }));
    const conflicts = await imported(account, fileOf(duplicates), type);
    expect(conflicts).toEqual(fieldProblem(`${first}.email`, `${first + 3}.email`));
    expect(conflicts.body.errors).toEqual({
      [`${first}.email`]: ["You already have a patient with this email."],
      [`${first + 3}.email`]: ["An earlier line has this email."],
    });
    expect(conflicts.body.error_codes).toEqual({
      [`${first}.email`]: ["email_taken"],
      [`${first + 3}.email`]: ["email_repeated"],
    });
    expect(await patientRecordsOf(account)).toHaveLength(1);
  });

  test("with partial=true creates the valid records, and says why it refused each other line", async () => {
    const account = await newAccount();
    const valid = [newPatient(), newPatient()];
    const records = [
      valid[0],
      newPatient({ age: -1 }),
      valid[1],
      { ...valid[0], firstname: "Late" },
    ] as typeof valid;
    const { status, body } = await imported(account, fileOf(records), type, "?partial=true");
    expect(status).toBe(200);
    expect(body.created.map(({ line }: { line: number }) => line)).toEqual([first, first + 2]);
    expect(body.refused).toEqual([
      {
        line: first + 1,
        errors: { age: [expect.any(String)] },
        error_codes: { age: ["too_small"] },
      },
      {
        line: first + 3,
        errors: { email: ["An earlier line has this email."] },
        error_codes: { email: ["email_repeated"] },
      },
    ]);
    expect(withoutIds(await patientRecordsOf(account))).toEqual(withoutIds(valid));
  });

  test("accepts an export, and keeps its names", async () => {
    const [from, to] = [await newAccount(), await newAccount()];
    for (const firstname of unusualNames) await postPatient(from, { firstname, lastname: firstname });
    const { body } = await exported(from, type);
    const { status, body: answer } = await imported(to, body, type);
    expect([status, answer.created?.length, answer.errors]).toEqual([201, unusualNames.length, undefined]);
    expect(withoutIds(await patientRecordsOf(to))).toEqual(withoutIds(await patientRecordsOf(from)));
  });

  test("is 413 with more than 1,000 records or 1 MiB, and 400 without records", async () => {
    const account = await newAccount();
    const records = Array.from({ length: 1001 }, () => newPatient());
    await account.api.databaseRequests();
    expect(await imported(account, fileOf(records), type)).toEqual(
      problem(413, "The file has more than 1000 records.", "too_many_records"),
    );
    const large = fileOf([newPatient({ firstname: "x".repeat(1024 * 1024) })]);
    expect(await imported(account, large, type)).toEqual(problem(413, "The body is larger than 1,024 KiB."));
    expect((await imported(account, "", type)).status).toBe(400);
    expect(await imported(account, "\n\r\n \n".slice(0, type === CSV ? 3 : 6), type)).toEqual(
      problem(400, "The file has no records.", "no_records"),
    );
    expect(await account.api.databaseRequests()).toBe(0);
  });

  test("with an idempotency key is done once, also for many requests at once, and replays the first answer", async () => {
    const account = await newAccount();
    const [file, key] = [
      fileOf([newPatient(), newPatient({ age: 200 })]),
      { "Idempotency-Key": uniqueName("key-") },
    ];
    const answers = await atOnce(10, () => imported(account, file, type, "?partial=true", key));
    expect(tally(answers)).toEqual({ 200: 10 });
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await patientRecordsOf(account)).toHaveLength(1);
    expect((await imported(account, file, type, "", key)).status).toBe(400);
    expect(await imported(account, fileOf([newPatient()]), type, "", key)).toEqual(problem(422));
  });

  test("of the same file with the same idempotency key, but with another value of partial, is 422", async () => {
    const account = await newAccount();
    const [file, key] = [fileOf([newPatient()]), { "Idempotency-Key": uniqueName("key-") }];
    expect((await imported(account, file, type, "", key)).status).toBe(201);
    expect(await imported(account, file, type, "?partial=true", key)).toEqual(problem(422));
    expect(await patientRecordsOf(account)).toHaveLength(1);
  });
});

test.each(["application/json", "text/plain", "text/csv; charset=latin1", ""])(
  "an import with Content-Type %j is 415",
  async (type) => {
    expect((await imported(await newAccount(), "{}", type)).status).toBe(415);
  },
);

test("an import with an unknown query parameter, or with partial=yes, is 400", async () => {
  const account = await newAccount();
  expect(await imported(account, "{}", NDJSON, "?parital=true")).toEqual(fieldProblem("parital"));
  expect(await imported(account, "{}", NDJSON, "?partial=yes")).toEqual(fieldProblem("partial"));
});
