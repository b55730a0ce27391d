import { learn, type Memory } from "./memory.ts";
import { type Answered, login, nextPlanned, type Planned, registration } from "./plans.ts";

/** Sends a request; tests in workerd and in Node each have their own way. */
export type Send = (planned: Planned) => Promise<Answered>;

/** A request and its answer. */
export interface Exchange {
  planned: Planned;
  answer: Answered;
}

export const requestId = ({ answer }: Exchange): string => answer.headers.get("X-Request-Id") ?? "none";
export const isAcknowledged = ({ answer }: Exchange): boolean => answer.status < 300;

/** Whether the answer says that an earlier request with the key created what was deleted since. */
export const isOfUnreadable = ({ answer }: Exchange): boolean => answer.body.code === "replay_unreadable";

/** An account of the mix, with all its requests and their answers. */
export interface Member {
  id: number;
  exchanges: Exchange[];
  /** Sends `count` more requests, one after another. */
  work(count: number): Promise<void>;
}

/** Registers an account and logs it in. Its later requests depend on `seed` and on the answers only. */
export async function join(send: Send, name: string, seed: number): Promise<Member> {
  const exchanges: Exchange[] = [];
  async function exchange(planned: Planned): Promise<Answered> {
    const answer = await send(planned);
    exchanges.push({ planned, answer });
    return answer;
  }
  const { id } = (await exchange(registration(name))).body;
  const { access } = (await exchange(login(name))).body;
  const memory: Memory = {
    name,
    random: randomFrom(seed),
    count: 0,
    patients: new Map(),
    deleted: [],
    doctors: [],
    assignments: [],
    keyed: [],
  };
  const authorization = { Authorization: `Bearer ${access}` };
  return {
    id,
    exchanges,
    async work(count) {
      for (let sent = 0; sent < count; sent += 1) {
        const planned = nextPlanned(memory);
        const answer = await exchange({ ...planned, headers: { ...planned.headers, ...authorization } });
        if (answer.status < 300) learn(memory, planned, answer);
      }
    },
  };
}

/** A generator of numbers from 0 to 1, the same for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
