import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import type pg from "pg";
import {
  type BlockDigest,
  type BlockRequest,
  type DayDigest,
  type DayEvents,
  digestHmac,
  digestKey,
  hashDay,
} from "../src/audit-digests/digest.ts";
import { statementFunctions } from "../src/db/sql/functions.ts";
import { withClient } from "./command.ts";
import { varsFile } from "./environment.ts";
import { readStatementText } from "./statement-files.ts";

/** Where the key of the digests can come from. An earlier JWT_SECRET has signed the digests of its time. */
const secretNames = ["AUDIT_KEY", "JWT_SECRET", "JWT_SECRET_PREVIOUS"];

/** A day that is not as the Worker closed it, and why, in sentences. */
interface Difference {
  day: string;
  reasons: string[];
}

export interface VerifyResult {
  /** How many days were verified. */
  days: number;
  differences: Difference[];
  /** How many events lack their changes and have the hash of them. */
  erased: number;
  /** The days that were closed later than two hours after their end: what happened to their events before is unknown. */
  late: string[];
  /** The last digest of the range: with its HMAC in another place, nobody can replace all of them. */
  last: DayDigest | undefined;
}

/**
 * The secrets that are set in the environment or else in .dev.vars.
 *
 * @throws an error when there is none.
 */
export function configuredSecrets(): string[] {
  const vars = existsSync(varsFile) ? parseEnv(readFileSync(varsFile, "utf8")) : {};
  const secrets = secretNames.flatMap((name) => process.env[name] || vars[name] || []);
  if (secrets.length === 0) throw new Error("Set AUDIT_KEY or JWT_SECRET to the secret that the Worker has.");
  return secrets;
}

/**
 * Computes the digests of a range of days again.
 *
 * @param url of the database, as a role that may read the audit log and the digests.
 * @param secrets any of them may have signed a digest.
 * @param range both days are included, like `2026-11-27`.
 * @throws an error when the range has a day that need not be closed yet.
 */
export const verifyAuditLog = (
  url: string,
  secrets: string[],
  range: { from?: string | undefined; to?: string | undefined },
): Promise<VerifyResult> =>
  withClient(url, async (client) => {
    const keys = await Promise.all(secrets.map(digestKey));
    const days = await daysOf(client, range);
    const result: VerifyResult = { days: days.length, differences: [], erased: 0, late: [], last: undefined };
    for (const day of days) {
      const { digest, previous } = await readDigest(client, day);
      const reasons: string[] = [];
      if (digest) {
        const events = await hashDay(day, (request) => hashBlock(client, request));
        reasons.push(...(await findDifferences(keys, digest, previous, events)));
        result.erased += events.erased;
        if (isLate(digest)) result.late.push(day);
        result.last = digest;
      } else reasons.push("There is no digest of this day.");
      if (reasons.length > 0) result.differences.push({ day, reasons });
    }
    return result;
  });

/** The job runs each hour, so a day is closed within two hours of its end, unless the database was not available. */
const CLOSED_WITHIN_HOURS = 2;

const isLate = ({ day, closed_at }: DayDigest): boolean =>
  Date.parse(closed_at) - Date.parse(`${day}T00:00:00Z`) > (24 + CLOSED_WITHIN_HOURS) * 3_600_000;

/** The days of a range. It begins with the first digest or event, and ends with the last day that must be closed. */
async function daysOf(
  client: pg.Client,
  { from, to }: { from?: string | undefined; to?: string | undefined },
): Promise<string[]> {
  const { rows } = await client.query<{ first: string | null; last: string }>(`
    SELECT least((SELECT min(day) FROM audit_digests), (SELECT (min(at) AT TIME ZONE 'UTC')::date FROM audit_events))::text AS first,
      ((now() AT TIME ZONE 'UTC' - interval '${CLOSED_WITHIN_HOURS} hours')::date - 1)::text AS last`);
  const { first = null, last = "" } = rows[0] ?? {};
  const range = { from: from ?? first ?? last, to: to ?? last };
  if (range.from > last || range.to > last)
    throw new Error(`Only days up to ${last} can be verified: later ones need not be closed yet.`);
  const { rows: days } = await client.query<{ day: string }>(
    "SELECT d::date::text AS day FROM generate_series($1::date, $2::date, interval '1 day') d ORDER BY d",
    [range.from, range.to],
  );
  return days.map(({ day }) => day);
}

/** The digest of a day, and the HMAC of the day before; empty if there is none. */
async function readDigest(client: pg.Client, day: string) {
  const { rows } = await client.query<DayDigest>(
    `SELECT day::text, events::float8 AS events, first_id, last_id, sha256, hmac,
       to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS closed_at
     FROM audit_digests WHERE day IN ($1::date, $1::date - 1)`,
    [day],
  );
  return {
    digest: rows.find((row) => row.day === day),
    previous: rows.find((row) => row.day !== day)?.hmac ?? "",
  };
}

/** Executes the text of the statement that the Worker executes. Its function could have been replaced. */
async function hashBlock(client: pg.Client, request: BlockRequest): Promise<BlockDigest> {
  const names = Object.keys(statementFunctions["audit/hash-events"]?.params ?? {}) as (keyof BlockRequest)[];
  const { rows } = await client.query<BlockDigest>(
    readStatementText("audit/hash-events"),
    names.map((name) => request[name]),
  );
  return rows[0] as BlockDigest;
}

/** Why a day is not as it was closed. */
async function findDifferences(
  keys: CryptoKey[],
  digest: DayDigest,
  previous: string,
  { altered, ...found }: DayEvents & { altered: number },
): Promise<string[]> {
  const hmacs = await Promise.all(keys.map((key) => digestHmac(key, digest, previous)));
  const reasons: string[] = [];
  if (!hmacs.includes(digest.hmac))
    reasons.push("The digest, or that of the day before, was changed, or it was made with another key.");
  const difference = found.events - digest.events;
  if (difference < 0) reasons.push(`At least ${-difference} event(s) were removed.`);
  else if (difference > 0) reasons.push(`At least ${difference} event(s) were added.`);
  else if (found.sha256 !== digest.sha256) reasons.push("Events were changed or exchanged.");
  if (altered > 0)
    reasons.push(`The values of the changes of ${altered} event(s) are not those that were stored.`);
  return reasons;
}
