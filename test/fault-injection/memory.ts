import type { Answered, Planned } from "./plans.ts";

/** What an account of the mix knows of its records. It learns nothing from a request that was not acknowledged. */
export interface Memory {
  /** Part of every name that it creates. */
  name: string;
  random: () => number;
  /** The number of names so far: no two requests write the same name. */
  count: number;
  /** The ETags of its patients, by id. */
  patients: Map<number, string | null>;
  deleted: number[];
  doctors: number[];
  assignments: { id: number; patient: number }[];
  /** The requests with an idempotency key, acknowledged or not. */
  keyed: Planned[];
}

/** Remembers what the answer to an acknowledged request says of the account's records. */
export function learn(
  { patients, doctors, assignments }: Memory,
  { action, path, patient }: Planned,
  { headers, body }: Answered,
): void {
  if (action === "assign") assignments.push({ id: body.id, patient: body.patient });
  else if (action === "import") for (const { id } of body.created) patients.set(id, patients.get(id) ?? null);
  else if (path === "/api/doctors/" && action === "create") doctors.push(body.id);
  else if (path === "/api/patients/" && action === "create") patients.set(body.id, headers.get("ETag"));
  else if (patient && headers.has("ETag")) patients.set(patient, headers.get("ETag"));
}

/** One of `items` at random; undefined when there are none. */
export const pick = <Item>({ random }: Memory, items: Item[]): Item | undefined =>
  items[Math.floor(random() * items.length)];

/** A name that no other request writes. */
export function newName(of: Memory): string {
  of.count += 1;
  return `${of.name}-${of.count}`;
}
