import pg from "pg";
import { isEmbedded } from "./environment.ts";

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Runs a command: an error is printed as its message, without a stack trace, and the process ends with exit status 1.
 *
 * @param usage printed instead, with exit status 0, when `--help` is among the arguments.
 */
export async function runAsCommand(work: () => Promise<void>, usage?: string): Promise<void> {
  if (usage && process.argv.includes("--help")) return console.log(usage);
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Connects to the PostgreSQL database at `url`, runs `work`, and closes the connection.
 *
 * @returns what `work` returns.
 * @throws an error whose message gives the reason, without the password, when it cannot connect; or what `work`
 *   throws.
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
    // When the connection is lost, the next query throws. Without a listener, the event would end the process.
    client.on("error", () => {});
    await client.connect();
  } catch (error) {
    const { host, pathname } = new URL(url);
    const reason = error instanceof AggregateError ? error.errors[0]?.message : (error as Error).message;
    const advice = isEmbedded(new URL(url))
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

/**
 * Replaces the modes that do not verify the server's certificate by `verify-full`. pg already treats them like that,
 * with a warning that a later version will not.
 */
function withVerifiedTls(url: string): string {
  const verified = new URL(url);
  const mode = verified.searchParams.get("sslmode") ?? "";
  if (["prefer", "require", "verify-ca"].includes(mode)) verified.searchParams.set("sslmode", "verify-full");
  return verified.href;
}
