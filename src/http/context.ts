import type { Bindings, Config } from "../config.ts";
import type { Caller } from "../db/query/caller.ts";
import type { Connection } from "../db/statement.ts";

/** The context of every handler. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    config: Config;
    connection: Connection;
  };
}

/** The context of a handler behind `requireAccount` (src/auth/require-account.ts). */
export type AuthenticatedEnv = AppEnv & { Variables: { caller: Caller } };
