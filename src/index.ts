import { env } from "cloudflare:workers";
import { app } from "./app.ts";
import { ConfigurationError, readConfig } from "./config.ts";
import { runScheduledCleanup } from "./scheduled-cleanup.ts";

// Checked when the Worker starts, so that the operator sees a wrong binding before the first client gets a 500.
try {
  readConfig(env);
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(JSON.stringify({ error: error.name, message: error.message }));
}

export default {
  fetch: app.fetch,
  /** Runs by the cron trigger in wrangler.toml. */
  scheduled: (_, bindings) => runScheduledCleanup(bindings),
} satisfies ExportedHandler<Cloudflare.Env>;
