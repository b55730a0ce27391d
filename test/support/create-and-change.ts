import { expect, test } from "vitest";
import { newAccount } from "./accounts.ts";
import { connectApi } from "./api.ts";
import { owner } from "./owner.ts";
import { anyTimestamp, problem } from "./problems.ts";
import { postResource } from "./resources.ts";

/** A kind of record that the tests below are run with. */
interface Kind {
  table: "patients" | "doctors";
  /** A valid body of a POST, with every field and an email of its own. */
  newRecord: (fields?: Record<string, unknown>) => Record<string, unknown> & { email: string };
  /** The fields that may be left out, with the values that a response has then. */
  emptyFields: Record<string, unknown>;
  /** Valid values of every field that are not those of `newRecord`. */
  otherValues: Record<string, unknown>;
  /** What an answer has beyond a new record. */
  answeredFields?: Record<string, unknown>;
  /** The ETag of a new record with another version. */
  etag: (version: number) => string;
  /** The fields that come after the email, in the order of an answer. */
  fieldsAfterEmail: string[];
  /** The detail of the 409 when the email is taken. */
  duplicateEmail: string;
}

const longAgo = "2001-01-01T00:00:00.000Z";

/** Tests what POST, PUT, PATCH and DELETE of patients and of doctors have in common. */
export async function testCreateAndChange(kind: Kind): Promise<void> {
  const {
    table,
    newRecord,
    emptyFields,
    answeredFields,
    otherValues,
    etag,
    fieldsAfterEmail,
    duplicateEmail,
  } = kind;
  const api = connectApi();
  const nurse = await newAccount(api);
  const admin = await newAccount(api, "admin");
  const list = `/api/${table}/`;
  const createRecord = (account = nurse) => postResource(account, list, newRecord());
  const pathOf = ({ id }: { id: number }) => `${list}${id}/`;

  test("POST returns 201 with the whole record and its Location, which reads it", async () => {
    const sent = newRecord();
    const { status, body, headers } = await nurse.post(list, sent);
    const times = { created_at: anyTimestamp, updated_at: body.created_at };
    const readOnly = { created_by: nurse.id, ...times, version: 1 };
    expect({ status, body }).toEqual({
      status: 201,
      body: { id: expect.any(Number), ...emptyFields, ...sent, ...answeredFields, ...readOnly },
    });
    const names = ["id", "firstname", "lastname", "email", ...fieldsAfterEmail];
    expect(Object.keys(body)).toEqual([...names, "created_by", "created_at", "updated_at", "version"]);
    expect(headers.get("Location")).toBe(pathOf(body));
    expect((await nurse.get(pathOf(body))).body).toEqual(body);
  });

  test("POST ignores the read-only fields of another record and creates a new one of the caller", async () => {
    const other = { ...(await createRecord(admin)), created_at: longAgo, updated_at: longAgo, version: 9 };
    const sent = { ...other, email: newRecord().email };
    const { status, body } = await nurse.post(list, sent);
    const readOnly = {
      id: body.id,
      created_by: nurse.id,
      created_at: anyTimestamp,
      updated_at: body.created_at,
      version: 1,
    };
    expect({ status, body }).toEqual({ status: 201, body: { ...sent, ...readOnly } });
    expect(body.id).not.toBe(other.id);
    expect(body.created_at).not.toBe(longAgo);
  });

  test.each(["put", "patch"] as const)(
    "%s changes the fields that are sent and no others",
    async (method) => {
      let record = await createRecord();
      const values = { ...otherValues, email: newRecord().email };
      const ownEmail = ["email", values.email.toUpperCase()] as const;
      for (const [field, value] of [...Object.entries(values), ownEmail]) {
        const { status, body } = await nurse[method](pathOf(record), { [field]: value });
        const changed = {
          ...record,
          [field]: value,
          updated_at: anyTimestamp,
          version: record.version + 1,
        };
        expect({ status, body }).toEqual({ status: 200, body: changed });
        record = body;
      }
      expect((await nurse.get(pathOf(record))).body).toEqual(record);
      const allFields = newRecord();
      expect((await nurse[method](pathOf(record), allFields)).body).toMatchObject(allFields);
      expect((await nurse[method](pathOf(record), {})).body).toMatchObject(allFields);
    },
  );

  test("PATCH sets updated_at, keeps created_at, and changes no other record", async () => {
    const [record, other] = [await createRecord(), await createRecord()];
    const backdate = `UPDATE ${table} SET created_at = $1, updated_at = $1 WHERE id = $2`;
    await owner().query(backdate, [longAgo, record.id]);
    const { body } = await nurse.patch(pathOf(record), {});
    expect(body).toEqual({ ...record, created_at: longAgo, updated_at: anyTimestamp, version: 2 });
    expect(Date.parse(body.updated_at)).toBeGreaterThanOrEqual(Date.parse(record.updated_at));
    expect((await nurse.get(pathOf(other))).body).toEqual(other);
  });

  test.each(["put", "patch"] as const)(
    "%s of a whole record changes its fields and ignores the read-only ones",
    async (method) => {
      const { body: record } = await nurse.get(pathOf(await createRecord()));
      const readOnly = { id: 1, created_by: admin.id, created_at: longAgo, updated_at: longAgo, version: 9 };
      for (const [index, sent] of [record, { ...record, ...readOnly }].entries()) {
        const { status, body } = await nurse[method](pathOf(record), { ...sent, lastname: "King" });
        const changed = { ...record, lastname: "King", updated_at: anyTimestamp, version: index + 2 };
        expect({ status, body }).toEqual({ status: 200, body: changed });
        expect(body.updated_at).not.toBe(longAgo);
      }
    },
  );

  test("the version of a record is the number in its ETag, in the responses to POST, GET, PATCH and in lists", async () => {
    const account = await newAccount(api);
    const created = await account.post(list, newRecord());
    const path = pathOf(created.body);
    const changed = await account.patch(path, {});
    const answers = [created, changed, await account.get(path)];
    expect(answers.map(({ body, headers }) => [body.version, headers.get("ETag")])).toEqual([
      [1, etag(1)],
      [2, etag(2)],
      [2, etag(2)],
    ]);
    expect((await account.get(`${list}?sort=-id`)).body).toContainEqual(changed.body);
  });

  test("POST and PATCH with an email that is taken, in any case, return 409 and change nothing", async () => {
    const account = await newAccount(api);
    const records = [await createRecord(account), await createRecord(account)];
    const email = ` ${records[0].email.toUpperCase()} `;
    const refused = problem(409, duplicateEmail, "email_taken", { existing: records[0].id });
    expect(await account.post(list, newRecord({ email }))).toEqual(refused);
    const sent = { lastname: "King", email };
    expect(await account.patch(pathOf(records[1]), sent)).toEqual(refused);
    const stored = `SELECT id, email, lastname FROM ${table} WHERE created_by = $1 ORDER BY id`;
    const unchanged = records.map(({ id, email, lastname }) => ({ id, email, lastname }));
    expect(await owner().query(stored, [account.id])).toEqual(unchanged);
  });

  test("DELETE returns 204, a second one 404, and the email is free again", async () => {
    const [record, other] = [await createRecord(), await createRecord()];
    const { status, headers, body } = await nurse.delete(pathOf(record));
    expect([status, headers.get("Content-Type"), body]).toEqual([204, null, ""]);
    expect(await nurse.delete(pathOf(record))).toEqual(problem(404));
    expect(await nurse.get(pathOf(record))).toEqual(problem(404));
    expect((await nurse.get(pathOf(other))).body).toEqual(other);
    expect((await nurse.post(list, newRecord({ email: record.email }))).status).toBe(201);
  });
}
