import { parseArgs } from "node:util";
import { runAsCommand } from "./command.ts";
import { databaseUrl } from "./environment.ts";
import { configuredSecrets, type VerifyResult, verifyAuditLog } from "./verify-audit-log.ts";

const usage = `Usage: npm run audit -- verify [--from <day>] [--to <day>]

Computes the digests of the audit log again and names each day whose events or digest differ from what the Worker
stored, or that has none. <day> is like 2026-11-27, in UTC. Without --from it begins with the first digest, without --to it
ends with the last day that must be closed by now: two hours after its end. The exit status is 1 when a day differs.

The keys are those of AUDIT_KEY, JWT_SECRET and JWT_SECRET_PREVIOUS, from the environment or .dev.vars, as the Worker has
them. It works on the database of DATABASE_URL, or of .dev.vars, and only reads.`;

const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) &&
  new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true &&
  text > "0001-01-01";

/** @throws an error when an argument is missing, unknown or no day, or the days are in the wrong order. */
function parseArguments(): { from: string | undefined; to: string | undefined } {
  const options = { from: { type: "string" }, to: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (positionals.length !== 1 || positionals[0] !== "verify") throw new Error(usage);
  const { from, to } = values;
  for (const [name, day] of Object.entries({ from, to }))
    if (day !== undefined && !isDay(day)) throw new Error(`--${name} must be a day like 2026-11-27.`);
  if (from && to && from > to) throw new Error("--from must not be after --to.");
  return { from, to };
}

/** What is printed of the days, apart from the last line. */
function describeResult({ differences, erased, late, last }: VerifyResult): string[] {
  const lines = differences.map(({ day, reasons }) => `${day}: ${reasons.join(" ")}`);
  if (erased > 0)
    lines.push(
      `The values of the changes of ${erased} event(s) were erased. The hashes of these values are unchanged.`,
    );
  if (late.length > 0)
    lines.push(
      `${late.length} day(s) were closed late, the last one ${late.at(-1)}: this cannot show what was changed before.`,
    );
  if (last)
    lines.push(
      `Compare with the line close_audit_day of ${last.day} in the Worker's log: "hmac":"${last.hmac}"`,
    );
  return lines;
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const range = parseArguments();
    const result = await verifyAuditLog(databaseUrl(), configuredSecrets(), range);
    for (const line of describeResult(result)) console.log(line);
    const { days, differences } = result;
    if (differences.length > 0) throw new Error(`${differences.length} of ${days} day(s) differ.`);
    console.log(`${days} day(s) are as the Worker closed them.`);
  }, usage);
}
