import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { actorColumns, auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { idsOf } from "../support/pages.ts";
import { fieldProblem } from "../support/problems.ts";
import { postDoctor } from "../support/resources.ts";
import { FEEDS, postFeed } from "./requests.ts";

const api = connectApi();

test("POST returns the address once, and the database has only its hash", async () => {
  const clinic = await newClinic();
  const reader = await newMember(api, clinic, "reader");
  const answer = await reader.post(FEEDS, { label: " North " });
  expect(answer.body).toMatchObject({ label: "North", doctor: null, clinic, last_used_at: null });
  const [, token = ""] = /^https:\/\/api\.test\/calendar\/([\w-]{43})\.ics$/.exec(answer.body.url) ?? [];
  expect(token).not.toBe("");
  const { url, ...listed } = answer.body;
  expect((await reader.get(FEEDS)).body).toEqual([listed]);
  const [row] =
    await asOwner`SELECT to_json(cf)::text AS stored FROM calendar_feeds cf WHERE id = ${listed.id}`;
  expect(row?.["stored"]).not.toContain(token);
});

test("a feed of a doctor is created by the doctor's own account only", async () => {
  const { account, doctor } = await newDoctorsAccount(await newAccount(api));
  expect(await postFeed(account, { doctor: doctor.id })).toMatchObject({ doctor: doctor.id });
  const colleague = await postDoctor(account);
  const manager = await newMember(api, await newClinic(), "manager");
  const admin = await newAccount(api, "admin");
  for (const [other, body] of [
    [account, { label: "x", doctor: colleague.id }],
    [account, { label: "x", doctor: 2_147_483_647 }],
    [manager, { label: "x", doctor: doctor.id }],
    [admin, { label: "x", doctor: doctor.id }],
  ] as const)
    expect(await other.post(FEEDS, body)).toEqual(fieldProblem("doctor"));
  expect(idsOf(await account.get(FEEDS))).toHaveLength(1);
});

test("the list has the own feeds of all clinics, but not those that do not work any more", async () => {
  const clinics = [await newClinic(), await newClinic()];
  const account = await newMember(api, Number(clinics[0]), "clerk");
  const first = await postFeed(account);
  const moved = await newMember(api, Number(clinics[1]), "clerk");
  await postFeed(moved);
  await asOwner`
    INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active) VALUES (${clinics[1]}, ${account.id}, 'clerk', '', true)`;
  const second = await postFeed(await movedTo(Number(clinics[1]), account));
  const inSecond = await movedTo(Number(clinics[1]), account);
  expect(idsOf(await inSecond.get(FEEDS))).toEqual([first["id"], second["id"]]);
  expect(idsOf(await inSecond.get(`${FEEDS}?sort=-id&limit=1`))).toEqual([second["id"]]);
  await asOwner`UPDATE memberships SET ended_at = now() WHERE clinic_id = ${clinics[0]} AND account_id = ${account.id}`;
  expect(idsOf(await inSecond.get(FEEDS))).toEqual([second["id"]]);
});

test("an account has at most 20 feeds; one that was deleted, or does not work any more, does not count", async () => {
  const account = await newMember(api, await newClinic(), "clerk");
  const feeds = [];
  for (let count = 0; count < 20; count += 1) feeds.push(await postFeed(account));
  const refused = await account.post(FEEDS, { label: "x" });
  expect(refused).toMatchObject({ status: 409, body: { code: "too_many_feeds" } });
  expect(await auditEventsOf(refused)).toMatchObject([{ action: "feed", outcome: "refused", changes: null }]);
  expect((await account.delete(`${FEEDS}${feeds[0]?.["id"]}/`)).status).toBe(204);
  expect((await account.post(FEEDS, { label: "x" })).status).toBe(201);
  const moved = await movedTo(account.id, account);
  await asOwner`UPDATE memberships SET ended_at = now() WHERE clinic_id = ${account.clinic} AND account_id = ${account.id}`;
  expect((await moved.post(FEEDS, { label: "x" })).status).toBe(201);
});

test("creating and deleting a feed is audited with its id and doctor, and without its label", async () => {
  const { account, doctor } = await newDoctorsAccount(await newAccount(api));
  const event = { ...emptyAuditEvent(api), ...actorColumns(account), action: "feed", doctor_id: doctor.id };
  const created = await account.post(FEEDS, { label: "Rumpelstiltskin", doctor: doctor.id });
  const { id } = created.body;
  expect(await auditEventsOf(created)).toEqual([
    { ...event, changes: { feed: { before: null, after: id } } },
  ]);
  const deleted = await account.delete(`${FEEDS}${id}/`);
  expect(await auditEventsOf(deleted)).toEqual([
    { ...event, changes: { feed: { before: id, after: null } } },
  ]);
});
