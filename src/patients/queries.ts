import { and, eq, getTableColumns, sql } from "drizzle-orm";
import { asCaller, type Claims, insertOwned, isOwn, isOwnAfter } from "../db/caller.ts";
import type { Database } from "../db/client.ts";
import { patients } from "../db/schema.ts";
import type { Page } from "../http/pagination.ts";
import type { NewPatient, PatientChanges } from "./contract.ts";

const columns = getTableColumns(patients);

/** A page of the caller's patients. */
export async function listPatients(db: Database, claims: Claims, { after, rows }: Page) {
  const answer = await asCaller(db, claims, (caller) => [
    db.$with("found").as(
      db
        .select(columns)
        .from(patients)
        .where(isOwnAfter({ owner: patients.created_by, id: patients.id, after }, caller, claims))
        .orderBy(patients.created_by, patients.id)
        .limit(rows),
    ),
  ]);
  return answer.flatMap(({ found }) => found ?? []);
}

/** One of the caller's patients, or `null`. */
export async function findPatient(db: Database, claims: Claims, id: number) {
  const [{ found }] = await asCaller(db, claims, (caller) => [
    db.$with("found").as(
      db
        .select(columns)
        .from(patients)
        .where(and(eq(patients.id, id), isOwn(patients.created_by, caller, claims))),
    ),
  ]);
  return found;
}

/** Creates a patient, who is the caller's. */
export const createPatient = (db: Database, claims: Claims, patient: NewPatient) =>
  insertOwned(db, claims, patients, patient);

/** Changes what `changes` holds of one of the caller's patients; the patient afterwards, or `null`. */
export async function changePatient(db: Database, claims: Claims, id: number, changes: PatientChanges) {
  const [{ changed }] = await asCaller(db, claims, (caller) => [
    db.$with("changed").as(
      db
        .update(patients)
        .set({ ...changes, updated_at: sql`now()` })
        .where(and(eq(patients.id, id), isOwn(patients.created_by, caller, claims)))
        .returning(columns),
    ),
  ]);
  return changed;
}

/** Deletes one of the caller's patients, and the assignments with it; its id, or `null`. */
export async function deletePatient(db: Database, claims: Claims, id: number) {
  const [{ deleted }] = await asCaller(db, claims, (caller) => [
    db.$with("deleted").as(
      db
        .delete(patients)
        .where(and(eq(patients.id, id), isOwn(patients.created_by, caller, claims)))
        .returning({ id: patients.id }),
    ),
  ]);
  return deleted;
}
