import { authenticationFailed, Refusal } from "./failure.ts";

/** Who connects to which database, and with what startup options. */
export interface Credentials {
  user: string;
  password: string;
  database: string;
  options: string | undefined;
  application_name: string | undefined;
}

/**
 * Reads a `Neon-Connection-String` header, with the checks and the words of Neon's proxy
 * (`proxy/src/serverless/http_util.rs`).
 *
 * @param fronted the URL of the one server this endpoint fronts; a header that names another is refused
 * @throws Refusal, 400
 */
export function readCredentials(header: string | undefined, fronted: URL): Credentials {
  const url = parse(header);
  const { user, password, database } = namesIn(url);
  if (user === "") throw new Refusal(400, "missing username");
  if (url.pathname.length < 2) throw new Refusal(400, "missing database name");
  if (password === "" && fronted.password !== "") {
    throw new Refusal(400, "missing authentication credentials: required password");
  }
  if (url.hostname === "") throw new Refusal(400, "missing hostname");
  if (!isSameServer(url, fronted)) {
    throw authenticationFailed(user, `: this endpoint is for ${serverOf(fronted)}, not for ${serverOf(url)}`);
  }
  // Checked here too, so that it also shows in front of a server that trusts everybody.
  const own = namesIn(fronted);
  if (user === own.user && password !== own.password) throw authenticationFailed(user);

  const option = (name: string) => url.searchParams.get(name) ?? undefined;
  return {
    user,
    password,
    database,
    options: option("options"),
    application_name: option("application_name"),
  };
}

function parse(header: string | undefined): URL {
  if (header === undefined) throw new Refusal(400, "invalid header: neon-connection-string");
  const url = URL.parse(header);
  if (!url) {
    const reason = /^[a-z][\w+.-]*:/i.test(header) ? "invalid URL" : "relative URL without a base";
    throw new Refusal(400, `invalid connection string: ${reason}`);
  }
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:")
    throw new Refusal(400, "incorrect scheme");
  return url;
}

function namesIn(url: URL): { user: string; password: string; database: string } {
  try {
    return {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    throw new Refusal(400, "invalid connection string: invalid percent-encoding");
  }
}

const loopback = new Set(["127.0.0.1", "localhost", "[::1]"]);
const portOf = (url: URL): string => url.port || "5432";
const serverOf = (url: URL): string => `${url.hostname}:${portOf(url)}`;

function isSameServer(url: URL, fronted: URL): boolean {
  const host = url.hostname.toLowerCase();
  const other = fronted.hostname.toLowerCase();
  const isSameHost = host === other || (loopback.has(host) && loopback.has(other));
  return isSameHost && (url.port === "" || url.port === portOf(fronted));
}
