import { type SQL, sql } from "drizzle-orm";
import { intParam } from "../statement.ts";
import { can } from "./permissions.ts";

// The response for a merged patient names its successor: the patient that it is part of now.

/**
 * The step `successor`: the patient that the one with the parameter `id` was merged into, or the last of a chain of
 * merges, if the caller could do the same with that one. It has no row otherwise, and none while the request finds its
 * patient: the usual request does not look for it.
 *
 * `last_survivor` (drizzle/0030_merges.sql) is called after the lock wait of the steps in `isFound`, and sees a merge
 * that they have waited for.
 *
 * @param isFound whether the request has found its patient.
 * @param isVisible whether the caller could do the same with the successor `p`; whether it may read it when left out.
 */
export const successorStep = (isFound: SQL, isVisible: SQL = can("patients:read")): SQL => sql`successor AS (
    SELECT p.id FROM patients p
    WHERE p.id = (SELECT CASE WHEN NOT ${isFound} THEN last_survivor(${intParam("id")}) END) AND ${isVisible}
  )`;

/** Whether the patient was merged into one that the caller may read. */
export const hasSuccessor = sql<boolean>`EXISTS (SELECT FROM successor)`;

/** The columns of `MergedState`. */
export const successorColumn = sql`(SELECT id FROM successor) AS successor`;

/** What a statement returns about a patient that is not there: the id of the one that it was merged into. */
export type MergedState = { successor?: number | null | undefined };

/** The outcome of an action on one patient: `refused` when it was merged, so that it does not count as a probe. */
export const unlessMerged = (outcome: SQL): SQL => sql`WHEN ${hasSuccessor} THEN 'refused'\n${outcome}`;
