/**
 * The Worker that the API is compared with. It has the same driver, but no framework, no query builder, no validation
 * and no tokens: it sends plain SQL and returns the rows. `/empty` and `/bcrypt` do not use the database.
 */
import { type NeonQueryFunction, neon, neonConfig } from "@neondatabase/serverless";
import { compare } from "bcryptjs";

interface Bindings {
  DATABASE_URL: string;
  DATABASE_ENDPOINT: string;
  /** The id of the account that owns the patients. */
  OWNER_ID: number;
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

/** $1 is the id or the limit, $2 the account. */
const statements: Record<string, string> = {
  "/patient": "SELECT * FROM patients WHERE id = $1 AND owner_id = $2",
  "/patients": "SELECT * FROM patients WHERE owner_id = $2 ORDER BY owner_id, id LIMIT $1",
  "/assignments": `
    SELECT m.id, m.assigned_at, p.id AS patient_id, p.firstname, p.lastname, p.age, p.gender, p.created_by,
      d.id AS doctor_id, d.firstname AS doctor_firstname, d.lastname AS doctor_lastname, d.specialization,
      d.max_appointments_per_day, d.gender AS doctor_gender
    FROM mappings m JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id
    WHERE m.owner_id = $2 ORDER BY m.owner_id, m.id LIMIT $1`,
  "/doctors": `
    SELECT d.id, d.firstname, d.lastname, d.specialization, d.max_appointments_per_day, d.gender
    FROM mappings m JOIN doctors d ON d.id = m.doctor_id WHERE m.patient_id = $1 AND m.owner_id = $2`,
  "/delete":
    "UPDATE patients SET owner_id = NULL, deleted_from = owner_id, deleted_at = now() WHERE id = $1 AND owner_id = $2 RETURNING id",
};
const updateStatement =
  "UPDATE patients SET age = $3, updated_at = now() WHERE id = $1 AND owner_id = $2 RETURNING *";
const createStatement = `
  INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id) VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING *`;

let client: NeonQueryFunction<false, false> | undefined;

function createClient(env: Bindings): NeonQueryFunction<false, false> {
  neonConfig.fetchEndpoint = env.DATABASE_ENDPOINT;
  return neon(env.DATABASE_URL);
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/empty") return new Response();
    if (pathname === "/bcrypt") return Response.json(await compare(env.PASSWORD, env.PASSWORD_HASH));
    client ??= createClient(env);
    if (pathname === "/create") {
      const { firstname, lastname, email, age, gender } = (await request.json()) as Patient;
      return Response.json(
        await client.query(createStatement, [firstname, lastname, email, age, gender, env.OWNER_ID]),
        {
          status: 201,
        },
      );
    }
    const idOrLimit = searchParams.get("n");
    if (pathname === "/update") {
      const { age } = (await request.json()) as Patient;
      return Response.json(await client.query(updateStatement, [idOrLimit, env.OWNER_ID, age]));
    }
    return Response.json(await client.query(statements[pathname] ?? "", [idOrLimit, env.OWNER_ID]));
  },
};
