import { type Exchange, isAcknowledged, requestId } from "./mix.ts";
import type { Event, Person, Stored } from "./stored.ts";

const creating = ["create", "assign", "import"];

/**
 * Where what requests were to make is not there once when one was acknowledged, and at most once when none was. Those with the
 * same key are to make one thing together.
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
  const isMaking = ({ request_id, action, outcome }: Event) =>
    ids.has(request_id) && action !== "replay" && outcome === "done";
  const records = stored.events.filter(isMaking).length;
  const answers = new Set(attempts.filter(isAcknowledged).map(({ answer }) => JSON.stringify(answer.body)));
  const isUnknown = attempts.some(({ answer }) => answer.status === 503);
  const [least, most] = [answers.size > 0 ? 1 : 0, answers.size > 0 || isUnknown ? 1 : 0];
  const faults: string[] = [];
  if (records < least || records > most) faults.push(`${records} times made, by the record`);
  if (answers.size > 1) faults.push(`answered in ${answers.size} ways`);
  for (const { email } of attempts[0]?.planned.makes ?? []) {
    const found = peopleOf(attempts[0], stored).filter((one) => one["email"] === email);
    if (found.length !== records) faults.push(`${found.length} times there: ${email}`);
  }
  return [...faults, ...attempts.filter(isAcknowledged).flatMap((one) => faultsOfIds(one, stored))];
}

const peopleOf = (exchange: Exchange | undefined, { patients, doctors }: Stored): Person[] =>
  exchange?.planned.path === "/api/doctors/" ? doctors : patients;

/** Whether those who were acknowledged are who was sent. */
function faultsOfIds(exchange: Exchange, stored: Stored): string[] {
  const { planned, answer } = exchange;
  const ids: { id: number }[] = answer.body.created ?? [answer.body];
  return (planned.makes ?? []).flatMap(({ email }, place) => {
    const row = peopleOf(exchange, stored).find(({ id }) => id === ids[place]?.id);
    return row?.["email"] === email ? [] : [`${ids[place]?.id} is not ${email}`];
  });
}
