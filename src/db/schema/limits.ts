import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, primaryKey } from "drizzle-orm/pg-core";
import { bytewiseText, foreignKeyTo, timestampColumn } from "../columns.ts";
import { users } from "./accounts.ts";

// What is counted to slow down those who guess passwords or ids of patients.

/**
 * Counters of failed login attempts (src/auth/login-attempts.ts). An account has one for each of its own networks,
 * which it has logged in from before, and one with an empty `network` for all others together. A network has one for
 * all accounts, with an empty `username`, and so has the /48 prefix of an IPv6 network.
 */
export const login_attempts = pgTable(
  "login_attempts",
  {
    /** In lower case. There may be no account with this username. */
    username: bytewiseText().notNull(),
    /** An IPv4 address, or the /64 or /48 prefix of an IPv6 address. */
    network: bytewiseText().notNull(),
    failures: integer().notNull(),
    failed_at: timestampColumn().notNull(),
    /** When the lockout ends. */
    blocked_until: timestampColumn().notNull(),
    /** How many attempts were refused during the current lockout. */
    refused: integer().notNull().default(0),
    /** The same of the lockout that ended before the last attempt that was admitted. */
    refused_before: integer().notNull().default(0),
    /** When the account last logged in from this network. Not null: it is one of the account's own networks. */
    logged_in_at: timestampColumn(),
  },
  (t) => [
    primaryKey({ name: "login_attempts_pkey", columns: [t.username, t.network] }),
    index("login_attempts_failed_at_idx").on(t.failed_at),
    check("login_attempts_failures_check", sql`${t.failures} >= 0`),
  ],
);

/**
 * How many patients, appointments and assignments that are not there for it an account has asked for in an hour. A trigger on
 * `audit_events` counts them; above 100 it sets `users.probing_until` (drizzle/0019_probes.sql, drizzle/0044_probes_of_appointments.sql).
 */
export const probes = pgTable(
  "probes",
  {
    account_id: integer().notNull(),
    /** The number of the hour since 1970, in UTC. */
    hour: integer().notNull(),
    not_found: integer().notNull(),
  },
  (t) => [
    primaryKey({ name: "probes_pkey", columns: [t.account_id, t.hour] }),
    foreignKeyTo("probes_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    index("probes_hour_idx").on(t.hour),
    check("probes_not_found_check", sql`${t.not_found} > 0`),
  ],
);
