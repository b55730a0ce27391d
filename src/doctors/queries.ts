import { and, eq, getTableColumns, gt, or, sql } from "drizzle-orm";
import { asCaller, type Caller, type Claims, insertOwned } from "../db/caller.ts";
import type { Database } from "../db/client.ts";
import { breaks } from "../db/errors.ts";
import { doctors, mappings } from "../db/schema.ts";
import type { Page } from "../http/pagination.ts";
import type { DoctorChanges, NewDoctor } from "./contract.ts";

const columns = getTableColumns(doctors);

/** Every account sees every doctor; the one that created a doctor changes it, and so does an admin. */
const mayChange = (caller: Caller) => or(eq(doctors.created_by, caller.id), eq(caller.role, "admin"));

/** Whether there is such a doctor, and whether it is for the caller to change. */
const targetOf = (db: Database, caller: Caller, id: number) =>
  db.$with("target").as(
    db
      .select({ id: doctors.id, may_change: sql<boolean>`${mayChange(caller)}`.as("may_change") })
      .from(doctors)
      .innerJoin(caller, sql`true`)
      .where(eq(doctors.id, id)),
  );

/** A page of the directory. */
export async function listDoctors(db: Database, claims: Claims, { after, rows }: Page) {
  const answer = await asCaller(db, claims, () => [
    db
      .$with("found")
      .as(db.select(columns).from(doctors).where(gt(doctors.id, after)).orderBy(doctors.id).limit(rows)),
  ]);
  return answer.flatMap(({ found }) => found ?? []);
}

/** A doctor, or `null`. */
export async function findDoctor(db: Database, claims: Claims, id: number) {
  const [{ doctor }] = await asCaller(db, claims, () => [
    db.$with("doctor").as(db.select(columns).from(doctors).where(eq(doctors.id, id))),
  ]);
  return doctor;
}

/** Creates a doctor, who is the caller's to change. */
export const createDoctor = (db: Database, claims: Claims, doctor: NewDoctor) =>
  insertOwned(db, claims, doctors, doctor);

/** Changes what `changes` holds of a doctor, if the caller may: whether there is such a `target`, and what it is when `changed`. */
export async function changeDoctor(db: Database, claims: Claims, id: number, changes: DoctorChanges) {
  const [answer] = await asCaller(db, claims, (caller) => [
    targetOf(db, caller, id),
    db.$with("changed").as(
      db
        .update(doctors)
        .set({ ...changes, updated_at: sql`now()` })
        .from(caller)
        .where(and(eq(doctors.id, id), mayChange(caller)))
        .returning(columns),
    ),
  ]);
  return answer;
}

/** Deletes a doctor without patients, if the caller may: whether there is such a `target`, how many are `assigned`, whether `deleted`. */
export async function deleteDoctor(db: Database, claims: Claims, id: number) {
  const assigned = db.$with("assigned").as(
    db
      .select({ count: sql`count(*)`.mapWith(Number).as("count") })
      .from(mappings)
      .where(eq(mappings.doctor_id, id)),
  );
  try {
    const [answer] = await asCaller(db, claims, (caller) => [
      targetOf(db, caller, id),
      assigned,
      db.$with("deleted").as(
        db
          .delete(doctors)
          .where(
            and(
              eq(doctors.id, id),
              sql`(SELECT ${mayChange(caller)} AND count = 0 FROM ${caller}, ${assigned})`,
            ),
          )
          .returning({ id: doctors.id }),
      ),
    ]);
    return answer;
  } catch (error) {
    // Assigned meanwhile: too late for the count of this statement, in time for the foreign key.
    if (!breaks(error, "mappings_doctor_fkey")) throw error;
    return { target: { id, may_change: true }, assigned: { count: "at least 1" as const }, deleted: null };
  }
}
