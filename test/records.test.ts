import { describe, expect, test } from "vitest";
import { newAccount } from "./support/accounts.ts";
import { connectApi } from "./support/api.ts";
import { owner } from "./support/owner.ts";
import { moment, problem } from "./support/problems.ts";
import { create, newDoctor, newPatient } from "./support/records.ts";

// What patients and doctors have in common.
const patients = {
  table: "patients",
  make: newPatient,
  other: newPatient({ firstname: "Alan", lastname: "Turing", age: 0, gender: "M" }),
  own: ["age", "gender"],
  taken: "You already have a patient with this email.",
};
const doctors = {
  table: "doctors",
  make: (fields = {}) => newDoctor({ max_appointments_per_day: 7, ...fields }),
  other: newDoctor({ firstname: "Lisa", gender: "F", specialization: "GEN", max_appointments_per_day: 0 }),
  own: ["gender", "specialization", "max_appointments_per_day", "active"],
  taken: "A doctor with this email already exists.",
};

const api = connectApi();
const nurse = await newAccount(api);
const admin = await newAccount(api, "admin");
const long_ago = "2001-01-01T00:00:00.000Z";

describe.each([patients, doctors])("of the $table,", ({ table, make, other, own, taken }) => {
  const list = `/api/${table}/`;
  const created = (account = nurse) => create(account, list, make());
  const pathOf = ({ id }: { id: number }) => `${list}${id}/`;

  test("a created one is answered whole, with its Location, which reads it", async () => {
    const sent = make();
    const { status, body, headers } = await nurse.post(list, sent);
    const set = { created_by: nurse.id, created_at: moment, updated_at: body.created_at };
    expect({ status, body }).toEqual({ status: 201, body: { id: expect.any(Number), ...sent, ...set } });
    const order = ["id", "firstname", "lastname", "email", ...own, "created_by", "created_at", "updated_at"];
    expect(Object.keys(body)).toEqual(order);
    expect(headers.get("Location")).toBe(pathOf(body));
    expect((await nurse.get(pathOf(body))).body).toEqual(body);
  });

  test("another's, sent whole but for the email, makes a new one of the caller's", async () => {
    const theirs = { ...(await created(admin)), created_at: long_ago, updated_at: long_ago };
    const sent = { ...theirs, email: make().email };
    const { status, body } = await nurse.post(list, sent);
    const set = { id: body.id, created_by: nurse.id, created_at: moment, updated_at: body.created_at };
    expect({ status, body }).toEqual({ status: 201, body: { ...sent, ...set } });
    expect(body.id).not.toBe(theirs.id);
    expect(body.created_at).not.toBe(long_ago);
  });

  test.each(["put", "patch"] as const)("%s changes what is sent and leaves the rest", async (change) => {
    let record = await created();
    const fields = { ...other, email: make().email };
    const ownEmail = ["email", fields.email.toUpperCase()] as const;
    for (const [field, value] of [...Object.entries(fields), ownEmail]) {
      const { status, body } = await nurse[change](pathOf(record), { [field]: value });
      const changed = { ...record, [field]: value, updated_at: moment };
      expect({ status, body }).toEqual({ status: 200, body: changed });
      record = body;
    }
    expect((await nurse.get(pathOf(record))).body).toEqual(record);
    const whole = make();
    expect((await nurse[change](pathOf(record), whole)).body).toMatchObject(whole);
    expect((await nurse[change](pathOf(record), {})).body).toMatchObject(whole);
  });

  test("a change moves updated_at to its own moment, leaves created_at, and is of one record", async () => {
    const [record, next] = [await created(), await created()];
    const past = `UPDATE ${table} SET created_at = $1, updated_at = $1 WHERE id = $2`;
    await owner().query(past, [long_ago, record.id]);
    const { body } = await nurse.patch(pathOf(record), {});
    expect(body).toEqual({ ...record, created_at: long_ago, updated_at: moment });
    expect(Date.parse(body.updated_at)).toBeGreaterThanOrEqual(Date.parse(record.updated_at));
    expect((await nurse.get(pathOf(next))).body).toEqual(next);
  });

  test.each(["put", "patch"] as const)(
    "%s takes back a whole one, which it gives to nobody",
    async (change) => {
      const { body: record } = await nurse.get(pathOf(await created()));
      const readOnly = { id: 1, created_by: admin.id, created_at: long_ago, updated_at: long_ago };
      for (const sent of [record, { ...record, ...readOnly }]) {
        const { status, body } = await nurse[change](pathOf(record), { ...sent, lastname: "King" });
        const changed = { ...record, lastname: "King", updated_at: moment };
        expect({ status, body }).toEqual({ status: 200, body: changed });
        expect(body.updated_at).not.toBe(long_ago);
      }
    },
  );

  test("an email that is taken is 409, in whatever case, and nothing comes of it", async () => {
    const account = await newAccount(api);
    const records = [await created(account), await created(account)];
    const email = ` ${records[0].email.toUpperCase()} `;
    expect(await account.post(list, make({ email }))).toEqual(problem(409, taken));
    const sent = { lastname: "King", email };
    expect(await account.patch(pathOf(records[1]), sent)).toEqual(problem(409, taken));
    const own = `SELECT id, email, lastname FROM ${table} WHERE created_by = $1 ORDER BY id`;
    const unchanged = records.map(({ id, email, lastname }) => ({ id, email, lastname }));
    expect(await owner().query(own, [account.id])).toEqual(unchanged);
  });

  test("a deleted one is gone, alone, and its email is free again", async () => {
    const [record, next] = [await created(), await created()];
    const { status, headers, body } = await nurse.delete(pathOf(record));
    expect([status, headers.get("Content-Type"), body]).toEqual([204, null, ""]);
    expect(await nurse.delete(pathOf(record))).toEqual(problem(404));
    expect(await nurse.get(pathOf(record))).toEqual(problem(404));
    expect((await nurse.get(pathOf(next))).body).toEqual(next);
    expect((await nurse.post(list, make({ email: record.email }))).status).toBe(201);
  });
});
