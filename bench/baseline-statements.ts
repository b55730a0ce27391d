/**
 * The statements of the baseline. `bare` does the work of a request and nothing else. `floor` also inserts an audit
 * event, in the same statement: the least that PostgreSQL does for a request that is audited. Neither checks the
 * caller or the input, makes JSON, or locks and compares versions.
 */
interface BaselineStatement {
  bare: string;
  floor: string;
}

/** The parameters of a `floor` that follow those of its `bare`, with their columns in the audit event. */
const eventParams = {
  account_id: "int",
  username: "text",
  role: "text",
  session_id: "uuid",
  address: "text",
  request_id: "uuid",
};

/**
 * @param bare without the audit event; its parameters are `$1` … `$<paramCount>`.
 * @param subject the column of the audit event for what was read or written, and its value.
 */
function withFloor(
  bare: string,
  paramCount: number,
  action: string,
  subject: { column: "patient_id" | "patients"; value: string; from?: string },
): BaselineStatement {
  const { column, value, from = "" } = subject;
  const columns = [...Object.keys(eventParams), "action", "outcome", column].join(", ");
  const params = Object.values(eventParams).map((type, i) => `$${paramCount + 1 + i}::${type}`);
  const floor = `
    WITH work AS (${bare}),
    audit_event AS (
      INSERT INTO audit_events (${columns}) SELECT ${params.join(", ")}, '${action}', 'done', ${value}${from}
    )
    SELECT * FROM work`;
  return { bare, floor };
}

const onePatient = { column: "patient_id", value: "id", from: " FROM work" } as const;
const listedPatients = { column: "patients", value: "(SELECT array_agg(id) FROM work)" } as const;
/** A patient may have several assignments. */
const assignedPatients = {
  column: "patients",
  value: "(SELECT array_agg(DISTINCT patient_id) FROM work)",
} as const;

/**
 * The statements with an audited variant, by the path of the baseline. `$1` is the id or the limit, `$2` the account;
 * of `/create` the parameters are the fields and the account.
 */
export const auditedStatements: Record<string, BaselineStatement> = {
  "/patient": withFloor("SELECT * FROM patients WHERE id = $1 AND owner_id = $2", 2, "read", onePatient),
  "/patients": withFloor(
    "SELECT * FROM patients WHERE owner_id = $2 ORDER BY owner_id, id LIMIT $1",
    2,
    "list",
    listedPatients,
  ),
  "/assignments": withFloor(
    `SELECT m.id, m.assigned_at, m.role, m.is_primary, m.version, p.id AS patient_id, p.firstname, p.lastname, p.age, p.gender, p.created_by,
       d.id AS doctor_id, d.firstname AS doctor_firstname, d.lastname AS doctor_lastname, d.specialization,
       d.max_appointments_per_day, d.gender AS doctor_gender
     FROM mappings m JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id
     WHERE m.owner_id = $2 ORDER BY m.owner_id, m.id LIMIT $1`,
    2,
    "list",
    assignedPatients,
  ),
  "/create": withFloor(
    `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
     VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING *`,
    6,
    "create",
    onePatient,
  ),
  "/update": withFloor(
    "UPDATE patients SET age = $3, updated_at = now() WHERE id = $1 AND owner_id = $2 RETURNING *",
    3,
    "update",
    onePatient,
  ),
};

/** The statements that are measured without an audited variant. */
export const bareStatements: Record<string, string> = {
  "/doctors": `
    SELECT d.id, d.firstname, d.lastname, d.specialization, d.max_appointments_per_day, d.gender
    FROM mappings m JOIN doctors d ON d.id = m.doctor_id WHERE m.patient_id = $1 AND m.owner_id = $2`,
  "/delete": `
    UPDATE patients SET owner_id = NULL, deleted_from = owner_id, deleted_at = now()
    WHERE id = $1 AND owner_id = $2 RETURNING id`,
};
