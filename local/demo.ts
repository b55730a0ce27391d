import { parseArgs } from "node:util";
import { faker } from "@faker-js/faker/locale/en";
import { Presets, SingleBar } from "cli-progress";
import type pg from "pg";
import { runAsCommand, withClient } from "../ops/command.ts";
import { databaseUrl } from "../ops/environment.ts";
import { isLocal } from "../src/local-host.ts";
import { type DemoAccount, insertClinics, insertOthers, upsertAccounts } from "./demo-accounts.ts";
import { insertAppointments } from "./demo-appointments.ts";
import { insertDoctors } from "./demo-doctors.ts";
import { enterTwice, insertIdentifiers, insertPatients } from "./demo-patients.ts";

export interface Demo {
  /** How many patients to add. */
  patients: number;
  /** How many accounts own them, at least 2. Nobody can log in to the third and later ones. */
  accounts?: number;
  /** How many of the patients the second account owns. */
  largest?: number;
}

/**
 * Adds generated people to the database at `url`: accounts, doctors, patients spread over the accounts, one to
 * three doctors assigned to every other patient, and appointments with some doctors. The random numbers are seeded with
 * the number of patients created before, so two empty databases get the same people, and a second run adds others with
 * new emails.
 *
 * @param url of the migrated database, as its owner.
 * @param onProgress called with the number of patients added so far.
 * @returns the accounts to log in to. If they existed, their passwords are changed and their sessions ended.
 * @throws an error whose message says what is wrong.
 */
export function fillDemo(
  url: string,
  { patients, accounts = 2, largest = Math.ceil(patients / 2) }: Demo,
  onProgress: (patients: number) => void = () => {},
): Promise<DemoAccount[]> {
  return withClient(url, async (client) => {
    const [seed, doctorCount] = [await readIdCount(client, "patients"), await readIdCount(client, "doctors")];
    faker.seed(seed);
    const demoAccounts = await upsertAccounts(client);
    const [admin, clinician] = demoAccounts as [DemoAccount, DemoAccount];
    const others = await insertOthers(client, accounts - demoAccounts.length);
    const doctors = await insertDoctors(client, admin.id, Math.min(500, 10 + patients / 50), doctorCount);
    const owners = { largest: clinician.id, others: [admin.id, ...others] };
    await insertPatients(client, { patients, largest, seed, owners, doctors }, onProgress);
    await insertIdentifiers(client, admin.id, seed);
    await enterTwice(client, clinician.id, seed);
    await insertClinics(client, admin.id, clinician.id, seed);
    await insertAppointments(client, admin.id, doctors);
    // Autovacuum would do this a minute later; until then the planner has no statistics.
    await client.query(
      "VACUUM (ANALYZE) users, doctors, patients, mappings, ended_assignments, appointments",
    );
    return demoAccounts;
  });
}

/** How many ids a table's sequence has generated. It never decreases, also when rows are deleted. */
async function readIdCount(client: pg.Client, table: "patients" | "doctors"): Promise<number> {
  const { rows } = await client.query(
    `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::integer AS count FROM ${table}_id_seq`,
  );
  return rows[0].count;
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { values } = parseArgs({ options: { patients: { type: "string", default: "1000" } } });
    const patients = Number(values.patients);
    if (!/^[1-9]\d{0,7}$/.test(values.patients)) throw new Error("Usage: npm run demo -- --patients 1000");
    const url = databaseUrl();
    if (!isLocal(new URL(url))) throw new Error("Demo data can be added to a database on this machine only.");
    const bar = new SingleBar(
      { format: "{bar} {value} of {total} patients, {duration_formatted}" },
      Presets.rect,
    );
    bar.start(patients, 0);
    const accounts = await fillDemo(url, { patients }, (done) => bar.update(done)).finally(() => bar.stop());
    const passwords = accounts.map(({ username, password }) => `  ${username.padEnd(16)} ${password}`);
    console.log(
      `Added ${patients} patients, half of them owned by each account. The passwords are now:\n${passwords.join("\n")}`,
    );
  });
}
