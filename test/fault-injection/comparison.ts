import { faultsOfCreations } from "./creations.ts";
import { faultsOfHistory } from "./history.ts";
import { type Exchange, isAcknowledged, isOfUnreadable, type Member, requestId } from "./mix.ts";
import { type Event, type Query, storedOf } from "./stored.ts";

/**
 * Compares all answers that accounts got with what the database holds.
 *
 * @returns a description of each difference
 */
export async function differences(members: Member[], query: Query): Promise<string[]> {
  const storedBy = await storedOf(members, query);
  return members.flatMap(({ id, exchanges }) => {
    const stored = storedBy(id);
    const eventsByRequest = Map.groupBy(stored.events, ({ request_id }) => request_id);
    const sent = new Set(exchanges.map(requestId));
    return [
      ...exchanges.flatMap((one) => describe(one, faultsOfAnswer(one))),
      ...exchanges.flatMap((one) =>
        describe(one, faultsOfEvents(one, eventsByRequest.get(requestId(one)) ?? [])),
      ),
      ...stored.events
        .filter(({ request_id }) => !sent.has(request_id))
        .map(({ action, request_id }) => `${action} is audited of ${request_id}, which nobody sent`),
      ...faultsOfCreations(exchanges, stored),
      ...faultsOfHistory(stored),
    ];
  });
}

const describe = (exchange: Exchange, faults: string[]): string[] => {
  const { planned, answer } = exchange;
  return faults.map(
    (fault) => `${planned.method} ${planned.path}, ${answer.status}, ${requestId(exchange)}: ${fault}`,
  );
};

type Claim = [holds: boolean, otherwise: string];
const unmet = (claims: Claim[]): string[] =>
  claims.flatMap(([holds, otherwise]) => (holds ? [] : [otherwise]));
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function faultsOfAnswer({ planned, answer }: Exchange): string[] {
  const { status, headers, body } = answer;
  if (status !== 503) return unmet([[planned.may.includes(status), "a status that this request cannot get"]]);
  const problem = {
    type: "about:blank",
    title: "Service Unavailable",
    status,
    code: "database_unavailable",
    detail: "The database did not answer.",
    request_id: headers.get("X-Request-Id"),
  };
  return unmet([
    [headers.get("Retry-After") === "5", "no Retry-After"],
    [isSame(body, problem), `the body is ${JSON.stringify(body)}`],
  ]);
}

/** The outcomes that may be audited for a request, by the status of its answer. */
const outcomes: Record<number, string[]> = {
  200: ["done"],
  201: ["done"],
  204: ["done"],
  400: ["refused", "not_found"],
  404: ["not_found"],
  409: ["refused"],
  412: ["refused"],
};

/** A request that was answered has one audit event of the right kind. One that got 503 has one or none. */
function faultsOfEvents(exchange: Exchange, [event, ...more]: Event[]): string[] {
  const { planned, answer } = exchange;
  const isDue = planned.action !== null && answer.status in outcomes;
  if (!event) return isDue ? ["not audited"] : [];
  return unmet([
    [isDue || (answer.status === 503 && planned.action !== null), `audited as ${event.action}`],
    [more.length === 0, `audited ${1 + more.length} times`],
    [isOfAction(exchange, event), `audited as ${event.action}`],
    [event.outcome === "done" || event.changes === null, "audited with changes, but not as done"],
    ...(answer.status === 503 ? [] : claimsOfAnswered(exchange, event)),
    ...(isAcknowledged(exchange) ? claimsOfFields(exchange, event) : []),
  ]);
}

/**
 * The second attempt at a statement answers with Idempotency-Replayed when the first was done and only its answer was
 * lost. Then the audited action is the request's own.
 */
function isOfAction(exchange: Exchange, { action }: Event): boolean {
  const { planned, answer } = exchange;
  if (isOfUnreadable(exchange)) return action === "replay";
  if (action !== "replay" || planned.action === "restore") return [planned.action, "replay"].includes(action);
  if (answer.status === 503) return planned.headers?.["Idempotency-Key"] !== undefined;
  return answer.headers.get("Idempotency-Replayed") === "true";
}

function claimsOfAnswered(exchange: Exchange, event: Event): Claim[] {
  const { planned, answer } = exchange;
  // An assignment that is not found may be of a deleted patient, or of none.
  const canNameNobody = planned.action === "unassign" && !isAcknowledged(exchange);
  // The answer does not name what cannot be read any more.
  const isUnknown = planned.patient === undefined && isOfUnreadable(exchange);
  return [
    [outcomes[answer.status]?.includes(event.outcome) === true, `audited as ${event.outcome}`],
    [
      canNameNobody || isUnknown || isSame(event.patients ?? [], patientsOf(exchange)),
      `audited with patients ${event.patients}`,
    ],
    [event.doctor_id === doctorOf(exchange), `audited with doctor ${event.doctor_id}`],
  ];
}

/** The patients that the audit event must name. */
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

/** The fields that were sent are in the answer and in the audited changes. A replay is audited without changes. */
function claimsOfFields({ planned, answer }: Exchange, { action, changes }: Event): Claim[] {
  if (action === "replay") return [[changes === null, "a replay is audited with changes"]];
  if (typeof planned.body !== "object" || !(action === "create" || action === "update")) return [];
  return Object.entries(planned.body).flatMap(([field, sent]): Claim[] => [
    [answer.body[field] === sent, `the answer has another ${field}`],
    [changes?.[field]?.after === sent, `audited with another ${field}`],
  ]);
}
