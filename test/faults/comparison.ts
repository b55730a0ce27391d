import { faultsOfCreations } from "./creations.ts";
import { faultsOfHistory } from "./history.ts";
import { type Exchange, isAcknowledged, type Member, requestId } from "./mix.ts";
import { type Event, type Query, storedOf } from "./stored.ts";

/** How much longer than its statements an answer may take on a machine that others use too, in milliseconds. */
const SLACK_MS = 2500;

/**
 * Compares all answers that accounts got with what the database holds.
 *
 * @param deadline DATABASE_TIMEOUT_MS
 * @returns what is not as it must be, in words; nothing when all is well.
 */
export async function differences(members: Member[], query: Query, deadline: number): Promise<string[]> {
  const storedBy = await storedOf(members, query);
  return members.flatMap(({ id, exchanges }) => {
    const stored = storedBy(id);
    const records = Map.groupBy(stored.events, ({ request_id }) => request_id);
    const sent = new Set(exchanges.map(requestId));
    return [
      ...exchanges.flatMap((one) => naming(one, faultsOfAnswer(one, deadline))),
      ...exchanges.flatMap((one) => naming(one, faultsOfRecord(one, records.get(requestId(one)) ?? []))),
      ...stored.events
        .filter(({ request_id }) => !sent.has(request_id))
        .map(({ action, request_id }) => `${action} on record of ${request_id}, which nobody sent`),
      ...faultsOfCreations(exchanges, stored),
      ...faultsOfHistory(stored),
    ];
  });
}

const naming = (exchange: Exchange, faults: string[]): string[] => {
  const { planned, answer } = exchange;
  return faults.map(
    (fault) => `${planned.method} ${planned.path}, ${answer.status}, ${requestId(exchange)}: ${fault}`,
  );
};

type Claim = [holds: boolean, otherwise: string];
const unmet = (claims: Claim[]): string[] =>
  claims.flatMap(([holds, otherwise]) => (holds ? [] : [otherwise]));
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function faultsOfAnswer({ planned, answer, ms }: Exchange, deadline: number): string[] {
  const { status, headers, body } = answer;
  const isInTime = ms <= deadline * (planned.action === "login" ? 2 : 1) + SLACK_MS;
  const inTime: Claim = [isInTime, `answered after ${Math.round(ms)} ms`];
  if (status !== 503) return unmet([inTime, [planned.may.includes(status), "not a status that it may have"]]);
  const problem = {
    type: "about:blank",
    title: "Service Unavailable",
    status,
    detail: "The database did not answer.",
    request_id: headers.get("X-Request-Id"),
  };
  return unmet([
    inTime,
    [headers.get("Retry-After") === "5", "without Retry-After"],
    [isSame(body, problem), `the body ${JSON.stringify(body)}`],
  ]);
}

/** How a request is on record as having ended, by its answer. */
const outcomes: Record<number, string[]> = {
  200: ["done"],
  201: ["done"],
  204: ["done"],
  400: ["refused", "not_found"],
  404: ["not_found"],
  409: ["refused"],
  412: ["refused"],
};

/** One event of a request that was answered, of the right kind; of one that was not, one or none. */
function faultsOfRecord(exchange: Exchange, [event, ...more]: Event[]): string[] {
  const { planned, answer } = exchange;
  const isDue = planned.action !== null && answer.status in outcomes;
  if (!event) return isDue ? ["not on record"] : [];
  return unmet([
    [isDue || (answer.status === 503 && planned.action !== null), `on record as ${event.action}`],
    [more.length === 0, `${1 + more.length} times on record`],
    [isOfAction(exchange, event), `on record as ${event.action}`],
    [event.outcome === "done" || event.changes === null, "changed, and on record as not done"],
    ...(answer.status === 503 ? [] : claimsOfAnswered(exchange, event)),
    ...(isAcknowledged(exchange) ? claimsOfWritten(exchange, event) : []),
  ]);
}

/** An answer that says that it was replayed may be the first one, of the second attempt: then that is on record. */
function isOfAction({ planned, answer }: Exchange, { action }: Event): boolean {
  if (action !== "replay" || planned.action === "restore") return [planned.action, "replay"].includes(action);
  if (answer.status === 503) return planned.headers?.["Idempotency-Key"] !== undefined;
  return answer.headers.get("Idempotency-Replayed") === "true";
}

function claimsOfAnswered(exchange: Exchange, event: Event): Claim[] {
  const { planned, answer } = exchange;
  // Whose assignment it is that is not there: nobody's, or that of a patient who is deleted.
  const isOpen = planned.action === "unassign" && !isAcknowledged(exchange);
  return [
    [outcomes[answer.status]?.includes(event.outcome) === true, `on record as ${event.outcome}`],
    [isOpen || isSame(event.patients ?? [], patientsOf(exchange)), `on record with ${event.patients}`],
    [event.doctor_id === doctorOf(exchange), `on record with doctor ${event.doctor_id}`],
  ];
}

/** The patients that a record must name. */
function patientsOf(exchange: Exchange): number[] {
  const { planned, answer } = exchange;
  const { patient, action, path } = planned;
  if (patient !== undefined) return [patient];
  const ids = (people: { id: number }[]) => people.map(({ id }) => id);
  if (action === "list") return ids(answer.body);
  if (action === "import") return ids(answer.body.created);
  return path === "/api/patients/" ? [answer.body.id] : [];
}

function doctorOf({ planned, answer }: Exchange): number | null {
  const isNew = planned.path === "/api/doctors/" && planned.action === "create";
  return isNew ? answer.body.id : (planned.doctor ?? null);
}

/** What was sent is in the answer, and in the changes on record, unless they are of an earlier request. */
function claimsOfWritten({ planned, answer }: Exchange, { action, changes }: Event): Claim[] {
  if (action === "replay") return [[changes === null, "a replay is on record with changes"]];
  if (typeof planned.body !== "object" || !(action === "create" || action === "update")) return [];
  return Object.entries(planned.body).flatMap(([field, sent]): Claim[] => [
    [answer.body[field] === sent, `answered with another ${field}`],
    [changes?.[field]?.after === sent, `on record with another ${field}`],
  ]);
}
