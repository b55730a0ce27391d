/**
 * The Worker that the API is compared with. It has the same driver, but no framework, no query builder, no validation
 * and no tokens: it sends plain SQL and returns the rows. Below `/bare` and `/floor` are the two variants of its
 * statements (baseline-statements.ts). `/empty` and `/bcrypt` do not use the database.
 */
import { type NeonQueryFunction, neon, neonConfig } from "@neondatabase/serverless";
import { compare } from "bcryptjs";
import { auditedStatements, bareStatements } from "./baseline-statements.ts";

interface Bindings {
  DATABASE_URL: string;
  DATABASE_ENDPOINT: string;
  /** The account that owns the patients. */
  OWNER_ID: number;
  USERNAME: string;
  /** The UUID that the audit events have as that of the session. */
  SESSION_ID: string;
  PASSWORD: string;
  PASSWORD_HASH: string;
}

interface Patient {
  firstname: string;
  lastname: string;
  email: string;
  age: number;
  gender: string;
}

let client: NeonQueryFunction<false, false> | undefined;

function createClient(env: Bindings): NeonQueryFunction<false, false> {
  neonConfig.fetchEndpoint = env.DATABASE_ENDPOINT;
  return neon(env.DATABASE_URL);
}

/** The parameters of a bare statement. */
async function readParams(path: string, query: URLSearchParams, request: Request, owner: number) {
  if (path === "/create") {
    const { firstname, lastname, email, age, gender } = (await request.json()) as Patient;
    return [firstname, lastname, email, age, gender, owner];
  }
  const idOrLimit = query.get("n");
  if (path !== "/update") return [idOrLimit, owner];
  const { age } = (await request.json()) as Patient;
  return [idOrLimit, owner, age];
}

/** The parameters of an audit event, in the order of `eventParams`. */
const eventParams = ({ OWNER_ID, USERNAME, SESSION_ID }: Bindings) => [
  OWNER_ID,
  USERNAME,
  "clinician",
  SESSION_ID,
  "203.0.113.7",
  crypto.randomUUID(),
];

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/empty") return new Response();
    if (pathname === "/bcrypt") return Response.json(await compare(env.PASSWORD, env.PASSWORD_HASH));
    client ??= createClient(env);
    const isFloor = pathname.startsWith("/floor/");
    const path = pathname.slice(isFloor ? "/floor".length : "/bare".length);
    const statement = auditedStatements[path]?.[isFloor ? "floor" : "bare"] ?? bareStatements[path] ?? "";
    const params = await readParams(path, searchParams, request, env.OWNER_ID);
    const rows = await client.query(statement, isFloor ? [...params, ...eventParams(env)] : params);
    return Response.json(rows, { status: path === "/create" ? 201 : 200 });
  },
};
