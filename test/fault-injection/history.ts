import type { Event, Person, Stored } from "./stored.ts";

/** How a patient or a doctor must be stored, by the audit log. */
interface Replayed {
  version: number;
  isDeleted: boolean;
  fields: Record<string, unknown>;
}

/** Finds where the tables differ from the audit log: each write must be in both, and as often, or in neither. */
export function faultsOfHistory({ events, patients, doctors, assignments, sessions }: Stored): string[] {
  const done = events.filter(({ outcome }) => outcome === "done");
  const faults: string[] = [];
  const expected = { patient: new Map<number, Replayed>(), doctor: new Map<number, Replayed>() };
  for (const event of done) {
    const ids = event.doctor_id === null ? (event.patients ?? []) : [event.doctor_id];
    const kind = event.doctor_id === null ? "patient" : "doctor";
    for (const id of ids)
      faults.push(...replay(expected[kind], id, event).map((fault) => `${kind} ${id}: ${fault}`));
  }
  return [
    ...faults,
    ...faultsOfPeople("patient", expected.patient, patients),
    ...faultsOfPeople("doctor", expected.doctor, doctors),
    ...faultsOfAssignments(done, assignments),
    ...(done.filter(({ action }) => action === "login").length === sessions.length
      ? []
      : [`${sessions.length} sessions, but another number of audited logins`]),
  ];
}

/** Applies an audit event to a patient or a doctor. @returns where it does not fit the events before it */
function replay(expected: Map<number, Replayed>, id: number, { action, changes }: Event): string[] {
  const person = expected.get(id) ?? { version: 0, isDeleted: false, fields: {} };
  const isCreation = action === "create" || action === "import";
  if (isCreation && person.version > 0) return ["created again"];
  if (!isCreation && action !== "update" && action !== "delete" && action !== "restore") return [];
  if (action === "restore" && !person.isDeleted) return ["restored without being deleted"];
  const faults = action !== "restore" && person.isDeleted ? [`${action} after it was deleted`] : [];
  person.version += 1;
  person.isDeleted = action === "delete";
  for (const [field, { before, after }] of Object.entries(changes ?? {})) {
    if (field in person.fields && person.fields[field] !== before)
      faults.push(`${field} was ${person.fields[field]}, but it is audited that it was ${before}`);
    person.fields[field] = after;
  }
  expected.set(id, person);
  return faults;
}

function faultsOfPeople(kind: string, expected: Map<number, Replayed>, rows: Person[]): string[] {
  const ids = new Set([...expected.keys(), ...rows.map(({ id }) => id)]);
  return [...ids].flatMap((id) => {
    const [person, row] = [expected.get(id), rows.find((one) => one.id === id)];
    if (!person || !row) return [`${kind} ${id} is ${person ? "audited, but not stored" : "not audited"}`];
    const wrong = Object.keys(person.fields).filter((field) => person.fields[field] !== row[field]);
    if (person.version !== row.version) wrong.push("version");
    if (person.isDeleted !== (row.owner_id === null)) wrong.push("owner_id");
    return wrong.map((field) => `${kind} ${id} has another ${field} than is audited`);
  });
}

function faultsOfAssignments(done: Event[], assignments: Stored["assignments"]): string[] {
  const faults: string[] = [];
  const assigned = new Set<string>();
  for (const { action, patients, changes } of done) {
    const doctor = changes?.["doctor"];
    const pair = `patient ${patients} and doctor ${doctor?.after ?? doctor?.before}`;
    if (action === "assign" && assigned.has(pair)) faults.push(`${pair}: assigned again`);
    if (action === "assign") assigned.add(pair);
    else if (action === "unassign" && !assigned.delete(pair)) faults.push(`${pair}: unassigned again`);
  }
  const rows = assignments.map(
    ({ patient_id, doctor_id }) => `patient ${patient_id} and doctor ${doctor_id}`,
  );
  for (const pair of rows) if (!assigned.delete(pair)) faults.push(`${pair}: assigned, but not audited`);
  for (const pair of assigned) faults.push(`${pair}: audited as assigned, but not stored`);
  return faults;
}
