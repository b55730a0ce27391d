import { env } from "cloudflare:workers";
import { app } from "./app.ts";
import { ConfigurationError, configuration } from "./config.ts";
import { keepHouse } from "./scheduled-cleanup.ts";

// When the Worker starts, not when its first client comes: the operator is told, the clients get 500.
try {
  configuration(env);
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(JSON.stringify({ error: error.name, message: error.message }));
}

export default {
  fetch: app.fetch,
  /** By the cron trigger in wrangler.toml. */
  scheduled: (_, bindings) => keepHouse(bindings),
} satisfies ExportedHandler<Cloudflare.Env>;
