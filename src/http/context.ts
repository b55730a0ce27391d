import type { Database } from "../db/client.ts";
import type { Bindings, Config } from "../env.ts";

/** What every handler finds in its context. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    config: Config;
    db: Database;
  };
}
