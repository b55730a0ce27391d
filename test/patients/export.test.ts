import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner } from "../support/owner.ts";
import { insertRecords } from "../support/pages.ts";
import { problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";
import { CSV, exported, imported, NDJSON, patientRecordsOf, withoutIds } from "./files.ts";

/** Names with a formula where a spreadsheet may begin a cell, and some that only look like it. */
const formulaNames = [
  ...["=1+1", "'=x", "''=x", "＝1+1", "＋1", "－1", "＠SUM(A1)", "'＝x", '"=1+1', "'\"=x"],
  ...["A;=1+1", "A;'=1+1", "A,=1+1", "A|@x", "A\t=1+1", "A\n=1+1", "A\r\n+1", "A;-1;+1;@x"],
  ...["A; =1+1", "A;  '=1", 'A;"=1+1"', 'A"";"=1+1', "A;＝1+1", "A;\t=1", "A\r\t=1", "A;;=1", ";=1"],
  ...["O'Brien", "'t Hooft", "a=b", "a-b", "Smith, Jr.", "A;B", "A; 'B'", '"a", b'],
];

describe("an export", () => {
  test("has all of the account's patients as GET returns them, a line each, and takes a database request for each 1,000", async () => {
    const account = await newAccount();
    await insertRecords("patients", account, 2001);
    await account.api.databaseRequests();
    const { status, headers, body } = await exported(account);
    expect([status, headers.get("Content-Type")]).toEqual([200, NDJSON]);
    expect(headers.get("Content-Disposition")).toBe('attachment; filename="patients.ndjson"');
    expect(await account.api.databaseRequests()).toBe(3);
    const lines = body.split("\n");
    expect(lines.pop()).toBe("");
    const rows = await asOwner`SELECT id FROM patients WHERE created_by = ${account.id} ORDER BY id`;
    expect(lines.map((line: string) => JSON.parse(line).id)).toEqual(rows.map(({ id }) => id));
    expect(JSON.parse(lines[0])).toEqual((await account.get(`/api/patients/${rows[0]?.["id"]}/`)).body);
  });

  test("as CSV has a header, quotes its cells, and has no cell that a spreadsheet would take for a formula", async () => {
    const account = await newAccount();
    const cells = ['"\'=1+1"', "\"''=x\"", '"""a"", b"'];
    for (const firstname of ["=1+1", "'=x", '"a", b']) await postPatient(account, { firstname });
    const { headers, body } = await exported(account, CSV);
    expect(headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    const lines = body.split("\r\n");
    expect(lines[0]).toBe(
      "\ufeffid,firstname,lastname,email,age,gender,birth_date,age_as_of,email_shared,anonymous,phones," +
        "address_lines,address_city,address_region,address_postal_code,address_country,identifiers," +
        "created_by,created_at,updated_at,version",
    );
    const firstnames = lines
      .slice(1)
      .map((line: string) => line.replace(/^\d+,/, "").split(',"Lovelace"')[0]);
    expect(firstnames).toEqual([...cells, ""]);
  });

  test.each<[type: string, query: string, start: string]>([
    [CSV, "", "\ufeffid,firstname,"],
    [CSV, "?bom=true", "\ufeffid,firstname,"],
    [CSV, "?bom=false", "id,firstname,"],
    [NDJSON, "", '{"id":'],
    [NDJSON, "?bom=true", '{"id":'],
  ])(
    "of %s with the query %j begins with %j, and has no other byte order mark",
    async (type, query, start) => {
      const account = await newAccount();
      await insertRecords("patients", account, 1001);
      const headers = { Accept: type };
      const { body } = await account.get(`/api/patients/export/${query}`, { headers });
      expect(body.slice(0, start.length)).toBe(start);
      expect(body.lastIndexOf("\ufeff")).toBe(start.startsWith("\ufeff") ? 0 : -1);
    },
  );

  test.each(["?bom=no", "?gender=M", "?bom=true&bom=false"])(
    "with %s is 400 and reads nothing",
    async (query) => {
      const account = await newAccount();
      await account.api.databaseRequests();
      for (const method of ["GET", "HEAD"])
        expect((await account.request(method, `/api/patients/export/${query}`)).status).toBe(400);
      expect(await account.api.databaseRequests()).toBe(0);
    },
  );

  test.each([NDJSON, CSV])(
    "of %s by HEAD has the headers of GET, sends no statement and is not audited",
    async (type) => {
      const account = await newAccount();
      await postPatient(account);
      const get = await exported(account, type);
      await account.api.databaseRequests();
      const head = await account.request("HEAD", "/api/patients/export/", undefined, {
        headers: { Accept: type },
      });
      expect([head.status, head.body]).toEqual([200, ""]);
      expect(await account.api.databaseRequests()).toBe(0);
      expect(await auditEventsOf(head)).toEqual([]);
      for (const name of ["Content-Type", "Content-Disposition", "Cache-Control"])
        expect(head.headers.get(name)).toBe(get.headers.get(name));
    },
  );

  test("as CSV has no formula in any cell either when a spreadsheet separates cells by semicolons or tabs", async () => {
    const account = await newAccount();
    for (const firstname of formulaNames) await postPatient(account, { firstname, lastname: firstname });
    const { body } = await exported(account, CSV);
    // As such a program does: a quotation mark that does not begin a cell is text.
    const cells = body.split(/[;,|\t\r\n]/).map((cell: string) => cell.replace(/^[ "]+/, ""));
    expect(cells.length).toBeGreaterThan(2 * formulaNames.length);
    expect(cells.filter((cell: string) => /^[-=+@＝＋－＠]/.test(cell))).toEqual([]);
  });

  test("as CSV is imported again with the same names", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    for (const firstname of formulaNames) await postPatient(account, { firstname, lastname: firstname });
    expect((await imported(other, (await exported(account, CSV)).body, CSV)).status).toBe(201);
    expect(withoutIds(await patientRecordsOf(other))).toEqual(withoutIds(await patientRecordsOf(account)));
  });

  test("as CSV has no formula in an email that begins like one, and is imported again with the same emails", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    const localParts = [
      "=1+1",
      "+1",
      "-1",
      "'=x",
      "''=x",
      "'",
      "''",
      "!=1",
      "a|=1",
      "a|'=1",
      "|+1",
      "'a",
      "={}",
      "1'=1",
    ];
    for (const local of localParts) await postPatient(account, { email: `${local}@example.org` });
    const { body } = await exported(account, CSV);
    const cells = body.split(/[;,|\t\r\n]/).map((cell: string) => cell.replace(/^[ "]+/, ""));
    expect(cells.filter((cell: string) => /^[-=+@]/.test(cell))).toEqual([]);
    expect((await imported(other, body, CSV)).status).toBe(201);
    const emails = (await patientRecordsOf(other)).map(({ email }: { email: string }) => email);
    expect(emails).toEqual(localParts.map((local) => `${local}@example.org`));
  });

  test("without patients is empty, and has only a header as CSV", async () => {
    const account = await newAccount();
    expect((await exported(account)).body).toBe("");
    expect((await exported(account, CSV)).body).toMatch(/^\ufeffid,[a-z_,]+\r\n$/);
  });

  test.each([
    ["*/*", NDJSON],
    ["text/*", CSV],
    ["text/csv;q=0.5, application/x-ndjson;q=0.9", NDJSON],
    ["application/json, text/csv;q=0.1", CSV],
    ["application/json, */*;q=0.1", NDJSON],
    ["application/x-ndjson, text/csv", NDJSON],
    ["text/csv, application/x-ndjson", CSV],
    ["*/*, text/csv", CSV],
    ["*, application/json", NDJSON],
    ["text/csv;q=0, */*", NDJSON],
    ["*/*, application/x-ndjson;q=0", CSV],
    ["application/*;q=0, */*;q=0.001", CSV],
    ["application/*;q=0, application/x-ndjson;q=0.1", NDJSON],
    ["application/x-ndjson; q=0.000, text/*", CSV],
    ["text/*;q=0.1, */*;q=0.9", NDJSON],
    ["text/*;q=0.9, text/csv;q=0.1, */*;q=0.5", NDJSON],
    ["*/*;q=0, text/csv", CSV],
    ["TEXT/CSV;Q=0.5, application/*;q=0", CSV],
    ["text/csv; charset=utf-8; header=present", CSV],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", NDJSON],
    [",", NDJSON],
  ])("with Accept: %s is sent as %s", async (accept, type) => {
    expect((await exported(await newAccount(), accept)).headers.get("Content-Type")).toMatch(type);
  });

  test.each([
    ...["application/json", "text/html, application/json;q=0.9", "*/*;q=0", "text/csv;q=0", "*;q=0"],
    ...["*/*;q=0, text/html", "text/*;q=0, application/*;q=0", "text/csv;q=0, application/x-ndjson;q=0, */*"],
    ...["text/*;q=1, text/csv;q=0", "*/*;q=0.0", "*/* ; q=0.000", "application/ndjson"],
  ])("with Accept: %s is 406 and makes no database request", async (accept) => {
    const account = await newAccount();
    await account.api.databaseRequests();
    expect(await exported(account, accept)).toEqual(problem(406));
    expect(await account.api.databaseRequests()).toBe(0);
  });

  test("during which the database fails breaks off, and the log says so without personal data", async () => {
    const account = await newAccount(connectApi());
    await insertRecords("patients", account, 1001);
    const printed = watchConsole();
    // The first page succeeds, and the next one fails.
    const { bindings } = account.api;
    const failing = connectApi({ DATABASE_ENDPOINT: bindings.DATABASE_ENDPOINT });
    const answer = failing.get("/api/patients/export/", {
      token: account.token,
      onHeaders: () => account.api.disturbDatabase({ fault: "error-500" }),
    });
    // The runtime logs this error too, so its message must not contain the statement's values.
    await expect(answer).rejects.toThrow(/^The export was interrupted\.$/);
    const log = printed().join("\n");
    expect(log).toContain('"error":"export interrupted","code":"none"');
    expect(log).not.toMatch(/Ada|Lovelace|example\.org/);
  });
});
