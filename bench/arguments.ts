import { parseArgs } from "node:util";

const usage = `Usage: npm run bench -- [options]

  --only cost|audit|growth|distance|start|soak|logins|search|booking|versions
                measure one part; repeat it for several; search, booking and versions are measured only with this
  --base <path> the checkout of an earlier version, with its node_modules, that versions compares with
  --rounds 3    how often each kind of request is measured, in turns with the baseline; versions at least 7 times
  --seconds 3   the minimum time of one measurement with a budget; others take a third or a tenth
  --events 3e5  the number of audit events when requests are measured with a full audit log
  --quick       a short run of everything, to see that it works; writes no files
  --json        print the results as JSON

Writes bench/results.json, the tables in bench/README.md and the plots, except with --quick. Needs Linux.`;

/** In the order in which they are measured. */
const partNames = [
  "start",
  "cost",
  "audit",
  "distance",
  "soak",
  "logins",
  "growth",
  "search",
  "booking",
  "versions",
] as const;
export type PartName = (typeof partNames)[number];

const isPart = (name: string): name is PartName => (partNames as readonly string[]).includes(name);

/** Reads the options of the command line. @throws an error with the usage, or with what is missing */
export function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      base: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      events: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const seconds = Number(values.seconds ?? (values.quick ? 0.2 : 3));
  const events = Number(values.events ?? (values.quick ? 1e4 : 3e5));
  const only = values.only ?? partNames.filter((name) => !["search", "booking", "versions"].includes(name));
  if (values.help || !only.every(isPart) || !(rounds >= 1) || !(seconds > 0) || !(events >= 1))
    throw new Error(usage);
  if (only.includes("versions") && !values.base)
    throw new Error("--only versions needs --base <path>: the checkout of an earlier version.");
  return {
    only: only.filter(isPart),
    rounds: Math.round(rounds),
    seconds,
    events: Math.round(events),
    quick: values.quick,
    base: values.base,
    json: values.json,
  };
}
