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
  { kind: "patient", path: "/api/patients/", newBody: newPatient, create: postPatient },
  { kind: "doctor", path: "/api/doctors/", newBody: newDoctor, create: postDoctor },
])("the ETag of a $kind", ({ kind, path, newBody, create }) => {
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
      '"1"',
      '"1"',
      '"2"',
      '"3"',
      '"3"',
      '"3"',
    ]);
    const bodies = answers.filter(({ body }) => body !== "");
    expect(bodies.map(({ body }) => body.version)).toEqual([1, 1, 2, 3, 3]);
  });

  test("in If-None-Match gets 304 without a body, and the database does not send the record", async () => {
    const { path, email } = await createRecord();
    let count = 0;
    const statements = await recordStatements(async () => {
      for (const etags of ['"1"', 'W/"1"', '"7", "1"', '"x" , W/"1"']) {
        const answer = await nurse.get(path, ifNoneMatch(etags));
        expect([etags, answer.status, answer.body, answer.headers.get("ETag")]).toEqual([
          etags,
          304,
          "",
          '"1"',
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

  test("that is malformed gets 400 with the header's name, without a database request", async () => {
    const { path } = await createRecord();
    await nurse.api.databaseRequests();
    for (const etags of ["1", '"1', "W/1", '"1" "2"', "*, *", '"a b"', ""]) {
      expect([etags, await nurse.patch(path, {}, ifMatch(etags))]).toEqual([etags, fieldProblem("If-Match")]);
      expect([etags, await nurse.get(path, ifNoneMatch(etags))]).toEqual([
        etags,
        fieldProblem("If-None-Match"),
      ]);
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
    expect(headers.get("ETag")).toBe('"2"');
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
