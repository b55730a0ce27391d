import { runAsCommand } from "./command.ts";
import { bringUpDatabase, readable, stopSignal } from "./database.ts";
import { overrideVars } from "./environment.ts";

await runAsCommand(async () => {
  const stopped = stopSignal();
  const database = await bringUpDatabase();
  // .dev.vars names the embedded database, unless somebody has changed it.
  const overrides = process.env["DATABASE_URL"] ? overrideVars(database.url, database.endpoint) : [];
  const wrangler = ["npx wrangler dev", ...overrides];
  console.log(`
  database  ${readable(database.url)}
  endpoint  ${database.endpoint}

Now \`${wrangler.join(" ")}\` in another terminal. Ctrl-C stops.
`);
  await stopped;
  await database.stop();
});
