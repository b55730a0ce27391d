import type { Event, Person, Stored } from "./stored.ts";

/** What somebody must be like, by the record. */
interface Life {
  version: number;
  isDeleted: boolean;
  fields: Record<string, unknown>;
}

/**
 * How the database differs from what the record says came about: each write is in both, or in neither, and no more often in
 * one than in the other.
 */
export function faultsOfHistory({ events, patients, doctors, mappings, sessions }: Stored): string[] {
  const done = events.filter(({ outcome }) => outcome === "done");
  const faults: string[] = [];
  const lives = { patient: new Map<number, Life>(), doctor: new Map<number, Life>() };
  for (const event of done) {
    const ids = event.doctor_id === null ? (event.patients ?? []) : [event.doctor_id];
    const kind = event.doctor_id === null ? "patient" : "doctor";
    for (const id of ids)
      faults.push(...live(lives[kind], id, event).map((fault) => `${kind} ${id}: ${fault}`));
  }
  return [
    ...faults,
    ...faultsOfPeople("patient", lives.patient, patients),
    ...faultsOfPeople("doctor", lives.doctor, doctors),
    ...faultsOfAssignments(done, mappings),
    ...(done.filter(({ action }) => action === "login").length === sessions.length
      ? []
      : [`${sessions.length} sessions, which are not the logins on record`]),
  ];
}

/** Has an event happen to somebody. @returns how it does not fit what came before */
function live(lives: Map<number, Life>, id: number, { action, changes }: Event): string[] {
  const life = lives.get(id) ?? { version: 0, isDeleted: false, fields: {} };
  const makes = action === "create" || action === "import";
  if (makes && life.version > 0) return ["made twice"];
  if (!makes && action !== "update" && action !== "delete" && action !== "restore") return [];
  if (action === "restore" && !life.isDeleted) return ["restored, and was not deleted"];
  const faults = action !== "restore" && life.isDeleted ? [`${action} of what is deleted`] : [];
  life.version += 1;
  life.isDeleted = action === "delete";
  for (const [field, { before, after }] of Object.entries(changes ?? {})) {
    if (field in life.fields && life.fields[field] !== before)
      faults.push(`${field} was ${life.fields[field]}, and on record is that it was ${before}`);
    life.fields[field] = after;
  }
  lives.set(id, life);
  return faults;
}

function faultsOfPeople(kind: string, lives: Map<number, Life>, rows: Person[]): string[] {
  const ids = new Set([...lives.keys(), ...rows.map(({ id }) => id)]);
  return [...ids].flatMap((id) => {
    const [life, row] = [lives.get(id), rows.find((one) => one.id === id)];
    if (!life || !row) return [`${kind} ${id} is ${life ? "on record only" : "not on record"}`];
    const wrong = Object.keys(life.fields).filter((field) => life.fields[field] !== row[field]);
    if (life.version !== row.version) wrong.push("version");
    if (life.isDeleted !== (row.owner_id === null)) wrong.push("owner_id");
    return wrong.map((field) => `${kind} ${id} has another ${field} than is on record`);
  });
}

function faultsOfAssignments(done: Event[], mappings: Stored["mappings"]): string[] {
  const faults: string[] = [];
  const assigned = new Set<string>();
  for (const { action, patients, changes } of done) {
    const doctor = changes?.["doctor"];
    const pair = `patient ${patients} and doctor ${doctor?.after ?? doctor?.before}`;
    if (action === "assign" && assigned.has(pair)) faults.push(`${pair}: assigned twice`);
    if (action === "assign") assigned.add(pair);
    else if (action === "unassign" && !assigned.delete(pair)) faults.push(`${pair}: unassigned twice`);
  }
  const rows = mappings.map(({ patient_id, doctor_id }) => `patient ${patient_id} and doctor ${doctor_id}`);
  for (const pair of rows) if (!assigned.delete(pair)) faults.push(`${pair}: assigned, and not on record`);
  for (const pair of assigned) faults.push(`${pair}: assigned on record only`);
  return faults;
}
