import { expect, test } from "vitest";
import { uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { owner } from "../support/owner.ts";
import { atOnce } from "../support/races.ts";
import { differences } from "./comparison.ts";
import { join, type Send } from "./mix.ts";

const [ACCOUNTS, REQUESTS] = [20, 1000];

/** Longer than a statement takes on a slow machine. Only requests that meet the fault `hang` take this long. */
const DEADLINE_MS = 2500;

const faults = ["refuse", "drop-before", "drop-after", "error-500", "truncate"];
/** Each request goes through one of these, chosen at random. `hang` is rare because it takes so long. */
const disturbances = [
  ...[...faults, ...faults, ...faults].map((fault) => ({ fault, share: 0.6 })),
  { fault: "hang", share: 0.25 },
  ...faults.map(() => ({})),
];

test("after 1,000 mixed requests to a database that fails at random in every way, its rows and audit events match the answers", async () => {
  const apis = disturbances.map(() => connectApi({ DATABASE_TIMEOUT_MS: DEADLINE_MS }));
  const send: Send = ({ method, path, body, headers = {} }) => {
    const { request } = apis[Math.floor(Math.random() * apis.length)] as (typeof apis)[0];
    return typeof body === "string"
      ? request(method, path, undefined, { raw: body, headers })
      : request(method, path, body, { headers });
  };
  const seed = Math.floor(Math.random() * 2 ** 31);
  const members = await atOnce(ACCOUNTS, (index) => join(send, uniqueName("member-"), seed + index));
  await Promise.all(apis.map((api, index) => api.disturbDatabase(disturbances[index] ?? {})));
  let left = REQUESTS;
  const work = async (member: (typeof members)[0]) => {
    while (left > 0) {
      left -= 1;
      await member.work(1);
    }
  };
  await Promise.all(members.map(work));
  const query = (text: string, values: unknown[]) => owner().query(text, values);
  const found = await differences(members, query);
  expect(found, [`seed ${seed}:`, ...found].join("\n")).toEqual([]);
  const unanswered = members.flatMap(({ exchanges }) => exchanges).filter((one) => one.answer.status === 503);
  expect(unanswered.length).toBeGreaterThan(50);
}, 300_000); // 4 s on an idle machine
