import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../../db/columns.ts";

// How patients are found that look like another one of the same owner: with the same name, first and last name exchanged
// or not, and days of birth that may be the same; or with the same phone number and the same first name. Names are compared
// in the form in which they are sorted (drizzle/0020_name_search.sql): without case, accents and punctuation.

/** A patient whose duplicates are looked for, as SQL expressions. */
interface SoughtPatient {
  owner: SQL;
  firstname: SQL;
  lastname: SQL;
  email: SQL;
  /** As an array. */
  phones: SQL;
  bornFrom: SQL;
  bornTo: SQL;
}

/**
 * The columns of the step `sought`, which has one row or none. `given`: the words of the first name, or of the only one.
 * `words`: those of the whole name. Both are NULL without a phone number: they are not needed then.
 */
export const soughtColumns = (
  patient: SoughtPatient,
): SQL => sql`${patient.owner} AS owner_id, name_sort_key(${patient.firstname}, ${patient.lastname}) AS name_key,
      ${patient.bornFrom} AS born_from, ${patient.bornTo} AS born_to, ${emailKey(patient.email)} AS email_key,
      ${patient.phones} AS phones,
      CASE WHEN ${patient.phones} <> '{}' THEN ${givenWords(patient.firstname, patient.lastname)} END AS given,
      CASE WHEN ${patient.phones} <> '{}' THEN ${allWords(patient.firstname, patient.lastname)} END AS words`;

const givenWords = (firstname: SQL, lastname: SQL): SQL =>
  sql`name_words(CASE ${firstname} WHEN '' THEN ${lastname} ELSE ${firstname} END)`;
const allWords = (firstname: SQL, lastname: SQL): SQL => sql`name_words(${firstname} || ' ' || ${lastname})`;

/** A name key with first and last name exchanged. It has one space; an only name has none after it. */
const exchanged = (key: SQL): SQL => sql`split_part(${key}, ' ', 2) || ' ' || split_part(${key}, ' ', 1)`;

interface CandidateOptions {
  /** The most candidates. */
  max: number;
  /**
   * The most patients that are read of one name, the newest, and with one of the phone numbers. Of a common name an account
   * may have thousands.
   */
  maxRead: number;
  /** On a candidate `p`. */
  condition: SQL;
}

/**
 * The step `candidates`: the patients that look like the one of the step `sought`: `id`, `why`, and a `score` by which the
 * best are first.
 */
export const candidateStep = ({ max, maxRead, condition }: CandidateOptions): SQL => {
  const read = sql.raw(String(maxRead));
  return sql`candidates AS (
    SELECT id, why, score
    FROM (
      SELECT DISTINCT p.id, array_remove(ARRAY[looks.name, looks.birth, looks.phone, looks.email], NULL) AS why,
        CASE looks.name WHEN 'name' THEN 3 WHEN 'exchanged_name' THEN 2 ELSE 1 END
          + CASE WHEN looks.birth IS NULL THEN 0 WHEN p.born_from = p.born_to AND sought.born_from = sought.born_to THEN 2 ELSE 1 END
          + CASE WHEN looks.phone IS NULL THEN 0 ELSE 2 END + CASE WHEN looks.email IS NULL THEN 0 ELSE 1 END AS score
      FROM sought, LATERAL (
        SELECT p.*
        FROM unnest(ARRAY[sought.name_key, ${exchanged(sql`sought.name_key`)}]) AS name (key), LATERAL (
          SELECT * FROM patients p
          WHERE p.owner_id = sought.owner_id AND p.name_sort_key = name.key AND sought.name_key <> ' '
          ORDER BY p.id DESC LIMIT ${read}
        ) p
        UNION ALL (
          SELECT * FROM patients p
          WHERE sought.phones <> '{}' AND p.phones <> '{}'
            AND patient_phones(p.owner_id, p.deleted_from, p.phones) && patient_phones(sought.owner_id, NULL, sought.phones)
          LIMIT ${read}
        )
      ) p, LATERAL (
        SELECT CASE WHEN p.name_sort_key = sought.name_key THEN 'name'
            WHEN p.name_sort_key = ${exchanged(sql`sought.name_key`)} THEN 'exchanged_name'
            WHEN ${givenWords(sql`p.firstname`, sql`p.lastname`)} && sought.words
              AND ${allWords(sql`p.firstname`, sql`p.lastname`)} && sought.given THEN 'first_name' END AS name,
          CASE WHEN p.born_from <= sought.born_to AND p.born_to >= sought.born_from THEN 'birth' END AS birth,
          CASE WHEN p.phones && sought.phones THEN 'phone' END AS phone,
          CASE WHEN ${emailKey(sql`p.email`)} = sought.email_key THEN 'email' END AS email
        OFFSET 0
      ) looks
      WHERE looks.name IS NOT NULL AND (looks.birth IS NOT NULL OR looks.phone IS NOT NULL) AND ${condition}
    ) p
    ORDER BY score DESC, id DESC LIMIT ${sql.raw(String(max))}
  )`;
};
