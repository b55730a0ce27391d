import type pg from "pg";
import { withClient } from "../ops/command.ts";
import type { BenchDatabase } from "./servers.ts";

// Patients with names as in an account of many countries: a few names are very common, most are rare.

/** The most common first. The share of a name falls with its position: 9 % for the first, 1 % for the twentieth. */
const firstnames =
  "Maria José Ana John Mohamed Fatima Anna David Michael Olga Ahmed Wei Yuki Sofia Juan Laura Peter Jürgen Ivan Elena Ali Sara Thomas Emma Lucas Nguyễn Mary James Robert Linda William Patricia Jennifer Charles Susan Joseph Jessica Karen Daniel Nancy محمد علی أحمد فاطمة Наталья Сергей 王 李 伟 芳 さくら 太郎 민준 서연 राहुल प्रिया Zoë Søren Kaʻiulani Jean-Luc";
const lastnames =
  "Smith Johnson García Müller Nguyen Silva Santos Kim Wang Li Ivanov Kowalski Hansen Jones Brown Williams O'Brien Martínez López Rodríguez Schmidt Rossi Ferrari Dubois Martin Bernard Andersson Johansson McDonald Smith-Jones Al-Rashid حسن احمد Петров Сидорова 王 李 陈 田中 鈴木 김 박 शर्मा कुमार Öztürk Yılmaz Papadopoulos Əliyev St.John D’Angelo";
/** What rare names are made of: 24,000 first and 700,000 last names. */
const syllables =
  "ka vel son mar ti do ran el sch wei ber ger ni lo pa cha ro mi ha za qu in ton ley ford sky ov en as th";

/** An expression for an element of `list`, more often one of the first. */
const common = (list: string) => `(${list})[1 + floor(power(random(), 2) * cardinality(${list}))::int]`;
const rare = (count: number) =>
  `initcap(${Array.from({ length: count }, () => "syllables[1 + floor(random() * cardinality(syllables))::int]").join(" || ")})`;

/**
 * Inserts patients in random order of their names: `count` of one account, and a third as many of the others. A minute
 * lies between two of them. Two connections insert at once, and the indexes are dropped meanwhile: that takes half the time.
 */
export async function insertNamedPatients(
  { ownerUrl }: BenchDatabase,
  owner: number,
  count: number,
): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    const indexes = await dropIndexes(client);
    await Promise.all([0, 1].map((part) => insertPart(ownerUrl, owner, Math.ceil((count * 4) / 3), part)));
    await client.query("SET maintenance_work_mem = '512MB'");
    for (const { definition } of indexes) await client.query(definition);
    await client.query("VACUUM ANALYZE patients");
    await client.query("CHECKPOINT");
  });
}

/** Drops the indexes of patients that no constraint needs. @returns the statements that create them */
async function dropIndexes(client: pg.Client): Promise<{ definition: string }[]> {
  const { rows } = await client.query(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     WHERE indrelid = 'patients'::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`,
  );
  await client.query(`DROP INDEX ${rows.map(({ name }) => name).join(", ")}`);
  return rows;
}

/** Inserts every other one of `total` patients. */
const insertPart = (ownerUrl: string, owner: number, total: number, part: number): Promise<unknown> =>
  withClient(ownerUrl, async (client) => {
    await client.query("SELECT setseed($1::float8)", [part / 2]);
    await client.query(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, created_at)
       SELECT CASE WHEN random() < 0.7 THEN ${common("firstnames")} ELSE ${rare(3)} END
           || CASE WHEN random() < 0.15 THEN ' ' || ${common("firstnames")} ELSE '' END,
         CASE WHEN random() < 0.5 THEN ${common("lastnames")} ELSE ${rare(4)} END,
         n || '@search.example.org', floor(random() * 100), (ARRAY['F', 'M', 'F', 'M', 'O', 'U'])[1 + n % 6], owner, owner,
         now() - n * interval '1 minute'
       FROM (SELECT n, CASE WHEN n % 4 > 0 THEN $4::int ELSE others.ids[1 + n / 4 % cardinality(others.ids)] END AS owner
         FROM generate_series(1 + $6::int, $5::int, 2) n,
           (SELECT array_agg(id) AS ids FROM users WHERE id <> $4::int) others OFFSET 0) numbered,
         (SELECT string_to_array($1, ' ') AS firstnames, string_to_array($2, ' ') AS lastnames,
           string_to_array($3, ' ') AS syllables OFFSET 0) names`,
      [firstnames, lastnames, syllables, owner, total, part],
    );
  });
