import { type Exchange, isAcknowledged, isOfUnreadable, requestId } from "./mix.ts";
import type { Event, Person, Stored } from "./stored.ts";

const creating = ["create", "assign", "import"];

/**
 * Finds what was not created as often as it must be: once when a request was acknowledged or told that it was created
 * before, and at most once otherwise. Requests with the same idempotency key count as one.
 */
export function faultsOfCreations(exchanges: Exchange[], stored: Stored): string[] {
  const all = exchanges.filter(({ planned }) => creating.includes(planned.action ?? ""));
  const groups = Map.groupBy(all, (one) => one.planned.headers?.["Idempotency-Key"] ?? requestId(one));
  return [...groups].flatMap(([name, attempts]) =>
    faultsOf(attempts, stored).map((fault) => `${attempts[0]?.planned.path} by ${name}: ${fault}`),
  );
}

function faultsOf(attempts: Exchange[], stored: Stored): string[] {
  const ids = new Set(attempts.map(requestId));
  const isCreation = ({ request_id, action, outcome }: Event) =>
    ids.has(request_id) && action !== "replay" && outcome === "done";
  const creations = stored.events.filter(isCreation).length;
  const answers = new Set(attempts.filter(isAcknowledged).map(({ answer }) => JSON.stringify(answer.body)));
  const isUnknown = attempts.some(({ answer }) => answer.status === 503);
  const isDone = answers.size > 0 || attempts.some(isOfUnreadable);
  const [least, most] = [isDone ? 1 : 0, isDone || isUnknown ? 1 : 0];
  const faults: string[] = [];
  if (creations < least || creations > most) faults.push(`created ${creations} times, by the audit log`);
  if (answers.size > 1) faults.push(`${answers.size} different answers`);
  for (const { email } of attempts[0]?.planned.creates ?? []) {
    const found = peopleOf(attempts[0], stored).filter((one) => one["email"] === email);
    if (found.length !== creations) faults.push(`${found.length} rows of ${email}`);
  }
  return [...faults, ...attempts.filter(isAcknowledged).flatMap((one) => faultsOfIds(one, stored))];
}

const peopleOf = (exchange: Exchange | undefined, { patients, doctors }: Stored): Person[] =>
  exchange?.planned.path === "/api/doctors/" ? doctors : patients;

/** Finds ids in an answer that are not of the patients or doctors that were sent. */
function faultsOfIds(exchange: Exchange, stored: Stored): string[] {
  const { planned, answer } = exchange;
  const ids: { id: number }[] = answer.body.created ?? [answer.body];
  return (planned.creates ?? []).flatMap(({ email }, index) => {
    const row = peopleOf(exchange, stored).find(({ id }) => id === ids[index]?.id);
    return row?.["email"] === email ? [] : [`${ids[index]?.id} is not ${email}`];
  });
}
