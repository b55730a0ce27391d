import { type SQL, sql } from "drizzle-orm";
import { sendAgainOnViolation } from "../db/errors.ts";
import { hasChange, newRecord, sentChanges } from "../db/query/resource.ts";
import { param } from "../db/statement.ts";
import { Problem } from "../http/problems.ts";

// What the statements check of a patient's identifiers: the pattern and the check digit of their systems
// (`identifier_errors` in drizzle/), and that no other patient of the owner has one of them.

/** What a creation or a change says when another patient has an identifier. Nothing was written then. */
export interface TakenIdentifier {
  takenIdentifier: { system: string; existing: number } | null;
}

/** The column of `TakenIdentifier`, from the step `taken_identifiers`. */
export const takenIdentifierColumn = sql`(SELECT row_to_json(t) FROM taken_identifiers t LIMIT 1) AS "takenIdentifier"`;

/** Whether no other patient has one of the identifiers. */
export const isIdentifierFree = sql`NOT EXISTS (SELECT FROM taken_identifiers)`;

/**
 * The errors of identifiers, as rows of `field` and `code`.
 *
 * @param existing those that the record has already.
 */
export const identifierErrors = (identifiers: SQL, existing = sql`'[]'`, from = sql``): SQL =>
  sql`SELECT concat('identifiers.', i.place, '.', i.field), i.code FROM ${from}identifier_errors(${identifiers}, ${existing}) i`;

// A function that is not called costs nothing: without `hasChange` a change of other fields takes 4 % more CPU.
const created = sql`${newRecord} -> 'identifiers'`;
export const newIdentifierErrors = (
  caller: SQL,
): SQL => sql`${identifierErrors(created, undefined, sql`${caller}, `)}
    WHERE ${newRecord} ? 'identifiers'`;
/**
 * The step `taken_identifiers` of a creation, before `caller_recheck`: `patient_identifiers_taken` waits for advisory
 * locks. It comes after the step `duplicate`, so that all creations take the locks of emails first.
 */
export const takenByCreation = (caller: SQL): SQL => sql`taken_identifiers AS (
    SELECT i.system, i.patient AS existing FROM ${caller}, patient_identifiers_taken(caller.clinic_id, ${created}) i
    WHERE NOT EXISTS (SELECT FROM duplicate)
  )`;

const changed = sql`${sentChanges} -> 'identifiers'`;
export const changedIdentifierErrors = sql`${identifierErrors(changed, sql`target.identifiers`, sql`target, `)}
    WHERE ${hasChange("identifiers")}`;
/**
 * The step `taken_identifiers` of a change, after the step `target`. A concurrent request may still take one: the unique
 * index says so.
 */
export const takenByChange = sql`taken_identifiers AS (
    SELECT i.system, i.patient_id AS existing
    FROM target, jsonb_array_elements(${changed}) WITH ORDINALITY a (item, place)
      JOIN patient_identifiers i ON i.key = identifier_key(item ->> 'value') COLLATE "C" AND i.system = (item ->> 'system') COLLATE "C"
    WHERE target.can_change AND target.is_expected_version AND i.owner_id = target.owner_id AND i.patient_id <> target.id
    ORDER BY place LIMIT 1
  )`;

/**
 * The system of an identifier that the patient `p` and another patient of the clinic `owner` have; NULL when there is
 * none.
 */
export const ownerHasIdentifier = (owner: SQL): SQL => sql`(
      SELECT own.system FROM patient_identifiers own
        JOIN patient_identifiers other ON other.key = own.key AND other.system = own.system
      WHERE own.patient_id = p.id AND other.owner_id = ${owner} AND other.patient_id <> p.id LIMIT 1)`;

/** 409: another patient of the caller's has an identifier. */
const identifierTaken = ({ system, existing }: NonNullable<TakenIdentifier["takenIdentifier"]>): Problem =>
  new Problem(
    "identifier_taken",
    `You already have a patient with this identifier of the system ${system}.`,
    { existing, system },
  );

/** The same statement; it also throws the 409 when another patient has an identifier. A 400 for a field goes first. */
export const withFreeIdentifiers =
  <Args extends unknown[], Row extends TakenIdentifier & { fieldErrors?: object | null }>(
    statement: (...args: Args) => Promise<Row>,
  ) =>
  async (...args: Args): Promise<Omit<Row, "takenIdentifier">> => {
    const { takenIdentifier, ...row } = await sendAgainOnViolation(
      "patient_identifiers_owner_id_key_system_key",
      () => statement(...args),
    );
    if (takenIdentifier && !row.fieldErrors) throw identifierTaken(takenIdentifier);
    return row;
  };

const sought = sql`${param("identifier")}::text`;
/**
 * The step `sought` of a list: what the parameter `identifier` looks for. `mrn:123` is the value 123 of the system mrn,
 * or the value `mrn:123` of any.
 */
export const identifierStep = sql`sought AS (
    SELECT lower(btrim(split_part(${sought}, ':', 1)) COLLATE "C") AS system,
      ARRAY[identifier_key(${sought}), identifier_key(substr(${sought}, strpos(${sought}, ':') + 1))] AS keys
  )`;
/** Whether the row `i` of `patient_identifiers` is what the step `sought` looks for. */
export const isIdentifierSought = sql`i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
          AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C" OR i.system = (SELECT system FROM sought) COLLATE "C")`;
