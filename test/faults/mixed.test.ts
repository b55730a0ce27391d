import { expect, test } from "vitest";
import { unique } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { owner } from "../support/owner.ts";
import { atOnce } from "../support/races.ts";
import { differences } from "./comparison.ts";
import { join, type Send } from "./mix.ts";

const DEADLINE = 800;
const [ACCOUNTS, REQUESTS] = [20, 50];

test("after 1,000 mixed requests, while the database fails at random in each way, it holds what was answered", async () => {
  const api = connectApi({ DATABASE_TIMEOUT_MS: DEADLINE });
  const send: Send = ({ method, path, body, headers = {} }) =>
    typeof body === "string"
      ? api.request(method, path, undefined, { raw: body, headers })
      : api.request(method, path, body, { headers });
  const seed = Math.floor(Math.random() * 2 ** 31);
  const members = await atOnce(ACCOUNTS, (index) => join(send, unique("member-"), seed + index));
  await api.disturbDatabase({ fault: "any", share: 0.3 });
  await Promise.all(members.map(({ work }) => work(REQUESTS)));
  const query = (text: string, values: unknown[]) => owner().query(text, values);
  const found = await differences(members, query, DEADLINE);
  expect(found, [`seed ${seed}:`, ...found].join("\n")).toEqual([]);
  const unanswered = members.flatMap(({ exchanges }) => exchanges).filter((one) => one.answer.status === 503);
  expect(unanswered.length).toBeGreaterThan(50);
}, 60_000);
