import type { TestAccount } from "./accounts.ts";
import type { Api, ApiResponse } from "./api.ts";
import { asOwner } from "./owner.ts";

/** The audit events of the request with this response; usually one. */
export const auditEventsOf = ({ headers }: ApiResponse) => asOwner`
  SELECT account_id, username, role, session_id, action, outcome,
    CASE WHEN patient_id IS NULL THEN patients ELSE ARRAY[patient_id] END AS patients, doctor_id, subject_id, address, changes, reason
  FROM audit_events WHERE request_id = ${headers.get("X-Request-Id")} ORDER BY at, id`;

/** The values of an audit event that a test does not set itself, for a request through `api`. */
export const emptyAuditEvent = ({ address }: Api) => ({
  session_id: null,
  outcome: "done",
  patients: null,
  doctor_id: null,
  subject_id: null,
  address,
  changes: null,
  reason: null,
});

/** The fields of an audit event that say who did it. */
export const actorColumns = ({ id, sid, username }: TestAccount, role = "clinician") => ({
  account_id: id,
  session_id: sid,
  username,
  role,
});
