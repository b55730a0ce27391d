import { deriveKey } from "../crypto.ts";

// How the digest of a day is computed: the format of the table `audit_digests`. A change of it makes all earlier digests
// invalid (docs/decisions/0013-audit-digests.md). The job that closes a day and `npm run audit` share it.

/** How many events one statement hashes: few enough for its deadline. It is a part of the format. */
export const BLOCK_EVENTS = 20_000;

/** Where a block begins, and the digest of the blocks before it. */
export interface BlockRequest {
  /** `2026-11-27`, in UTC. */
  day: string;
  /** The position of the last event of the block before; null for the first block. */
  after_at: string | null;
  after_id: string | null;
  /** The digest of the blocks before, in hexadecimal; empty for the first block. */
  previous: string;
}

/** The digest of the events up to the end of a block. Ids are text: a `bigint` can be larger than JavaScript's integers. */
export interface BlockDigest {
  events: number;
  first_id: string | null;
  last_id: string | null;
  last_at: string | null;
  sha256: string;
  /** How many events have a hash of their changes, and the changes no more: somebody has erased the values. */
  erased: number;
  /** How many events have changes that are not those of their hash. */
  altered: number;
}

/** What the digest of a day covers. */
export interface DayEvents {
  day: string;
  events: number;
  first_id: string | null;
  last_id: string | null;
  sha256: string;
}

/** A closed day, as the table has it. */
export interface DayDigest extends DayEvents {
  /** In UTC, in milliseconds. */
  closed_at: string;
  hmac: string;
}

/**
 * Hashes all events of a day, block by block, so that neither a statement's time nor its memory grows with the day.
 *
 * @param hashBlock executes the statement `audit/hash-events`.
 */
export async function hashDay(
  day: string,
  hashBlock: (request: BlockRequest) => Promise<BlockDigest>,
): Promise<DayEvents & { erased: number; altered: number }> {
  let block = await hashBlock({ day, after_at: null, after_id: null, previous: "" });
  let { events, last_id, erased, altered } = block;
  const { first_id } = block;
  while (block.events === BLOCK_EVENTS) {
    const { last_at, sha256 } = block;
    block = await hashBlock({ day, after_at: last_at, after_id: last_id, previous: sha256 });
    events += block.events;
    erased += block.erased;
    altered += block.altered;
    last_id = block.last_id ?? last_id;
  }
  return { day, events, first_id, last_id, sha256: block.sha256, erased, altered };
}

/** The key of the digests, derived from `AUDIT_KEY` or else from `JWT_SECRET`. */
export const digestKey = (secret: string): Promise<CryptoKey> =>
  deriveKey(secret, "audit digest", { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign"]);

/**
 * The HMAC of a closed day, in hexadecimal.
 *
 * @param previous the HMAC of the day before; empty for the first day of all.
 */
export async function digestHmac(
  key: CryptoKey,
  { day, events, first_id, last_id, sha256, closed_at }: Omit<DayDigest, "hmac">,
  previous: string,
): Promise<string> {
  const message = JSON.stringify([day, events, first_id, last_id, sha256, closed_at, previous]);
  const hmac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(message)));
  // Not toHex: the operator's command runs in Node 24, which does not have it.
  return Array.from(hmac, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
