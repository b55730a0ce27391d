import type { Connection } from "../db/statement.ts";
import type { Bindings, Config } from "../env.ts";

/** What every handler finds in its context. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    config: Config;
    connection: Connection;
  };
}
