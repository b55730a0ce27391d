import type { Bindings, Config } from "../config.ts";
import type { Connection } from "../db/statement.ts";

/** What every handler finds in its context. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    config: Config;
    connection: Connection;
  };
}
