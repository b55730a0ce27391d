import { parseArgs } from "node:util";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";
import { countMissingMigrations, lockMigrations } from "./migrate.ts";
import { compareFunctions, dropFunctions } from "./statement-functions.ts";

const usage = `Usage: npm run db:prune [-- --drop]

Lists the functions of statements that the database has and this version does not call: those of earlier versions. With
--drop it drops them, all or none. Run it in the version that is deployed, when no Worker of another version runs: such
a Worker would send the text of its statements instead, which is slower.

It works on the database of DATABASE_URL, or of .dev.vars, as its owner.`;

/**
 * Finds the functions in the schema `statements` that this version does not call, and drops them if `drop` is true.
 *
 * @param url of the database, as its owner.
 * @returns their signatures.
 * @throws an error whose message says what is wrong and what to do, when this version is not the one that the database
 *   was migrated to last; nothing is dropped then.
 */
export const pruneFunctions = (url: string, drop: boolean): Promise<string[]> =>
  withClient(url, async (client) => {
    await lockMigrations(client);
    const missingMigrations = await countMissingMigrations(client);
    const { missing, others } = await compareFunctions(client);
    if (missingMigrations + missing.length > 0)
      throw new Error(
        "The database lacks migrations or functions of this version. Run it in the version that is deployed, or run `npm run db:migrate` first.",
      );
    if (drop && others.length > 0) await dropFunctions(client, others);
    return others.map(({ signature }) => signature);
  });

/** What the command prints. */
function describeResult(functions: string[], drop: boolean): string {
  if (functions.length === 0) return "There are only functions of this version.";
  const result = drop
    ? "dropped."
    : "are not of this version. Drop them with `npm run db:prune -- --drop` when no other version runs.";
  return [...functions, `${functions.length} function(s) ${result}`].join("\n");
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { drop = false } = parseArgs({ options: { drop: { type: "boolean" } } }).values;
    console.log(describeResult(await pruneFunctions(databaseUrl(), drop), drop));
  }, usage);
}
