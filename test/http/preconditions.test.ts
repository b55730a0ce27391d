import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, CROWD, onceReleased, tally } from "../support/races.ts";
import { assignDoctor, newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";
import { recordStatements } from "../support/statements.ts";

const nurse = await newAccount();
const ifMatch = (etag: string) => ({ headers: { "If-Match": etag } });
const ifNoneMatch = (etag: string) => ({ headers: { "If-None-Match": etag } });

describe.each([
  { kind: "patient", path: "/api/patients/", newBody: newPatient, create: postPatient, age: ".36" },
  { kind: "doctor", path: "/api/doctors/", newBody: newDoctor, create: postDoctor, age: "" },
])("the ETag of a $kind", ({ kind, path, newBody, create, age }) => {
  const etag = (version: number) => `"${version}${age}"`;
  const outdated = problem(412, `The ${kind} has changed since the version in If-Match: read it again.`);
  const createRecord = async () => {
    const { id, email } = await create(nurse);
    return { path: `${path}${id}/`, email };
  };

  test("is in every answer with the record, and every change raises it", async () => {
    const created = await nurse.post(path, newBody());
    const own = `${path}${created.body.id}/`;
    const answers = [
      created,
      await nurse.get(own),
      await nurse.patch(own, { gender: "U" }),
      await nurse.put(own, {}),
    ];
    answers.push(await nurse.get(own), await nurse.request("HEAD", own));
    expect(answers.map(({ headers }) => headers.get("ETag"))).toEqual([
      ...[etag(1), etag(1), etag(2), etag(3), etag(3), etag(3)],
    ]);
    const bodies = answers.filter(({ body }) => body !== "");
    expect(bodies.map(({ body }) => body.version)).toEqual([1, 1, 2, 3, 3]);
  });

  test("in If-None-Match gets 304 without a body, and the database does not send the record", async () => {
    const { path, email } = await createRecord();
    let count = 0;
    const statements = await recordStatements(async () => {
      for (const etags of [etag(1), '"1"', 'W/"1"', '"7", "1"', '"x" , W/"1"']) {
        const answer = await nurse.get(path, ifNoneMatch(etags));
        expect([etags, answer.status, answer.body, answer.headers.get("ETag")]).toEqual([
          etags,
          304,
          "",
          etag(1),
        ]);
        count += 1;
      }
    });
    expect(statements).toHaveLength(count);
    for (const { answer } of statements) expect(answer).not.toContain(email);
    const [statement] = await recordStatements(async () => {
      expect((await nurse.get(path, ifNoneMatch('"2"'))).status).toBe(200);
    });
    expect(statement?.answer).toContain(email);
    expect((await nurse.get(path, ifNoneMatch("*"))).status).toBe(304);
    expect((await nurse.request("HEAD", path, undefined, ifNoneMatch('"1"'))).status).toBe(304);
    for (const etags of ['"2"', '"01"', '"x"', '"99999999999"', '""'])
      expect((await nurse.get(path, ifNoneMatch(etags))).status).toBe(200);
  });

  test("of another version in If-Match gets 412 for PUT, PATCH and DELETE, and nothing is changed", async () => {
    const { path } = await createRecord();
    await nurse.patch(path, { firstname: "Second" });
    const before = await nurse.get(path);
    for (const etags of ['"1"', '"3"', '"x"', '"99999999999"', '"1", "3"', '""']) {
      expect(await nurse.put(path, { firstname: "Third" }, ifMatch(etags))).toEqual(outdated);
      expect(await nurse.patch(path, { firstname: "Third" }, ifMatch(etags))).toEqual(outdated);
      expect(await nurse.delete(path, ifMatch(etags))).toEqual(outdated);
    }
    expect((await nurse.get(path)).body).toEqual(before.body);
    expect((await nurse.put(path, {}, ifMatch('"2"'))).status).toBe(200);
    expect((await nurse.patch(path, {}, ifMatch('"9", W/"3"'))).status).toBe(200);
    expect((await nurse.patch(path, {}, ifMatch("*"))).status).toBe(200);
    expect((await nurse.delete(path, ifMatch('"5"'))).status).toBe(204);
    expect(await nurse.patch(path, {}, ifMatch('"5"'))).toEqual(problem(404));
  });

  test("in If-None-Match gets 412 for PUT, PATCH and DELETE, and nothing is changed", async () => {
    const { path } = await createRecord();
    await nurse.patch(path, { firstname: "Second" });
    const before = await nurse.get(path);
    for (const etags of ['"2"', 'W/"2"', '"1", "2"', "*", '"2-gzip"']) {
      const excluded = problem(
        412,
        `The ${kind} has a version that If-Match or If-None-Match excludes: read it again.`,
      );
      expect([etags, await nurse.put(path, { firstname: "Third" }, ifNoneMatch(etags))]).toEqual([
        etags,
        excluded,
      ]);
      expect(await nurse.patch(path, { firstname: "Third" }, ifNoneMatch(etags))).toEqual(excluded);
      expect(await nurse.delete(path, ifNoneMatch(etags))).toEqual(excluded);
    }
    expect((await nurse.get(path)).body).toEqual(before.body);
    expect((await nurse.put(path, {}, ifNoneMatch('"1"'))).status).toBe(200);
    expect((await nurse.patch(path, {}, ifNoneMatch('"x", "2"'))).status).toBe(200);
    expect((await nurse.delete(path, ifNoneMatch('"3"'))).status).toBe(204);
    for (const etags of ['"5"', "*"])
      expect(await nurse.patch(path, {}, ifNoneMatch(etags))).toEqual(problem(404));
  });

  test("of another version in If-Match gets 412 for GET and HEAD, and the database does not send the record", async () => {
    const { path, email } = await createRecord();
    await nurse.patch(path, {});
    const statements = await recordStatements(async () => {
      for (const etags of ['"1"', '"1", "3"', '"x"', '"99999999999"']) {
        expect([etags, await nurse.get(path, ifMatch(etags))]).toEqual([etags, outdated]);
        expect((await nurse.request("HEAD", path, undefined, ifMatch(etags))).status).toBe(412);
      }
    });
    expect(statements).toHaveLength(8);
    for (const { answer } of statements) expect(answer).not.toContain(email);
    for (const etags of ['"2"', 'W/"2"', '"1", "2"', "*", '"2--gzip"']) {
      const answer = await nurse.get(path, ifMatch(etags));
      expect([etags, answer.status, answer.body.email]).toEqual([etags, 200, email]);
    }
    expect(await nurse.get(`${path.replace(/\d+/, "2147483647")}`, ifMatch('"1"'))).toEqual(problem(404));
  });

  test("is compared with If-Match before If-None-Match", async () => {
    const { path } = await createRecord();
    const both = (match: string, noneMatch: string) => ({
      headers: { "If-Match": match, "If-None-Match": noneMatch },
    });
    for (const [match, noneMatch, get, change] of [
      ['"1"', '"2"', 200, 412],
      ['"1"', '"1"', 304, 412],
      ['"1"', "*", 304, 412],
      ["*", '"1"', 304, 412],
      ["*", "*", 304, 412],
      ['"2"', '"1"', 412, 412],
      ['"2"', '"2"', 412, 412],
      ['"2"', "*", 412, 412],
    ] as const) {
      expect([match, noneMatch, (await nurse.get(path, both(match, noneMatch))).status]).toEqual([
        match,
        noneMatch,
        get,
      ]);
      if (match === '"1"' && noneMatch === '"2"') continue; // The last one changes it.
      expect([match, noneMatch, (await nurse.patch(path, {}, both(match, noneMatch))).status]).toEqual([
        match,
        noneMatch,
        change,
      ]);
    }
    expect((await nurse.patch(path, {}, both('"1", "2"', '"2", "3"'))).status).toBe(200);
    expect((await nurse.delete(path, both("*", '"1"'))).status).toBe(204);
  });

  test("that is malformed gets 400 with the header's name from each route, without a database request", async () => {
    const { path } = await createRecord();
    await nurse.api.databaseRequests();
    for (const [name, options] of [
      ["If-Match", ifMatch(",")],
      ["If-None-Match", ifNoneMatch("1")],
    ] as const) {
      expect(await nurse.get(path, options)).toEqual(fieldProblem(name));
      expect(await nurse.put(path, {}, options)).toEqual(fieldProblem(name));
      expect(await nurse.patch(path, {}, options)).toEqual(fieldProblem(name));
      expect(await nurse.delete(path, options)).toEqual(fieldProblem(name));
    }
    expect(await nurse.api.databaseRequests()).toBe(0);
  });

  test("lets one of 50 simultaneous changes with the same If-Match through", async () => {
    const { path } = await createRecord();
    const send = () => atOnce(50, (index) => nurse.patch(path, { firstname: `By ${index}` }, ifMatch('"1"')));
    const table = kind === "patient" ? "patients" : "doctors";
    const answers = await onceReleased(table, nurse, send, CROWD);
    expect(tally(answers)).toEqual({ 200: 1, 412: 49 });
    const { body, headers } = await nurse.get(path);
    expect(body).toEqual(answers.find(({ status }) => status === 200)?.body);
    expect(headers.get("ETag")).toBe(etag(2));
  });

  test("lets one of a simultaneous DELETE and PATCH with the same If-Match through", async () => {
    const { path } = await createRecord();
    const send = () =>
      Promise.all([
        nurse.delete(path, ifMatch('"1"')),
        nurse.patch(path, { firstname: "Late" }, ifMatch('"1"')),
      ]);
    const [deleted, changed] = await onceReleased(kind === "patient" ? "patients" : "doctors", nurse, send);
    expect([
      [204, 412],
      [204, 404],
      [412, 200],
    ]).toContainEqual([deleted.status, changed.status]);
  });

  test("is required for changes by REQUIRE_IF_MATCH: without it 428, without a database request", async () => {
    const strict = await newAccount(connectApi({ REQUIRE_IF_MATCH: "true" }));
    const own = `${path}${(await create(strict)).id}/`;
    await strict.api.databaseRequests();
    const required = problem(428, "If-Match is required: send the ETag of the record as you last read it.");
    for (const answer of [await strict.put(own, {}), await strict.patch(own, {}), await strict.delete(own)])
      expect(answer).toEqual(required);
    expect(await strict.patch(own, {}, ifNoneMatch('"7"'))).toEqual(required);
    expect(await strict.api.databaseRequests()).toBe(0);
    expect((await strict.patch(own, {}, ifMatch('"1"'))).status).toBe(200);
    expect((await strict.delete(own, ifMatch("*"))).status).toBe(204);
  });
});

test("a doctor of another account gets 403 whatever the ETag; 412 comes before the 409 of a doctor with patients", async () => {
  const { doctor: id } = await assignDoctor(nurse);
  const path = `/api/doctors/${id}/`;
  const other = await newAccount();
  expect(await other.patch(path, {}, ifMatch('"9"'))).toEqual(problem(403));
  expect(await nurse.delete(path, ifMatch('"9"'))).toEqual(problem(412));
  expect(await nurse.delete(path, ifMatch('"1"'))).toEqual(problem(409));
});

test("lists, POST, and routes whose records have no ETag ignore If-Match and If-None-Match", async () => {
  const { patient } = await assignDoctor(nurse);
  for (const options of [ifMatch('"9"'), ifMatch("*"), ifNoneMatch("*"), ifNoneMatch('"1"')]) {
    expect((await nurse.get("/api/patients/", options)).status).toBe(200);
    expect((await nurse.post("/api/patients/", newPatient(), options)).status).toBe(201);
    expect((await nurse.get(`/api/mappings/${patient}/`, options)).status).toBe(200);
    expect((await nurse.get("/api/auth/me/", options)).status).toBe(200);
  }
});
