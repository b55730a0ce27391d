import pg from "pg";
import { EMBEDDED_PORT } from "./environment.ts";

const CONNECT_TIMEOUT_MS = 15_000;

/** Runs what a command does; an error becomes its sentence and exit status 1, not a stack trace. */
export async function runAsCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Gives `work` a connection to the PostgreSQL server at `url`.
 *
 * @throws an error whose message says why there is none, without the password.
 */
export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  let client: pg.Client;
  try {
    client = new pg.Client({
      connectionString: withVerifiedTls(url),
      application_name: "hospital-api",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    // A connection that is lost says so to the next query; unheard, it would end the process with a stack trace.
    client.on("error", () => {});
    await client.connect();
  } catch (error) {
    const { host, port, pathname } = new URL(url);
    const reason = error instanceof AggregateError ? error.errors[0]?.message : (error as Error).message;
    const advice =
      port === String(EMBEDDED_PORT)
        ? "Start it with `npm run dev`."
        : "Is DATABASE_URL right, and the server up?";
    throw new Error(`Cannot connect to the database ${host}${pathname}: ${reason}. ${advice}`);
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Says outright what pg makes of these modes today, and warns that it will not always: the server is verified. */
function withVerifiedTls(url: string): string {
  const verified = new URL(url);
  const mode = verified.searchParams.get("sslmode") ?? "";
  if (["prefer", "require", "verify-ca"].includes(mode)) verified.searchParams.set("sslmode", "verify-full");
  return verified.href;
}
