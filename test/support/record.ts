import type { Account } from "./accounts.ts";
import type { Answer, Api } from "./api.ts";
import { asOwner } from "./owner.ts";

/** What is on record of a request, by its answer: one event as a rule. */
export const recordOf = ({ headers }: Answer) => asOwner`
  SELECT account_id, username, role, session_id, action, outcome, patients, doctor_id, subject_id, address, changes, reason
  FROM audit_events WHERE request_id = ${headers.get("X-Request-Id")} ORDER BY at, id`;

/** What is on record of what an account did, in order. */
export const recordOfAccount = ({ id }: { id: number }) => asOwner`
  SELECT action, outcome, patients, doctor_id, changes FROM audit_events WHERE account_id = ${id} ORDER BY id`;

/** What an event of a request of `api` says when nothing else is to be said. */
export const blankEvent = ({ address }: Api) => ({
  session_id: null,
  outcome: "done",
  patients: null,
  doctor_id: null,
  subject_id: null,
  address,
  changes: null,
  reason: null,
});

/** What an event says of who it was. */
export const whoIs = ({ id, sid, username }: Account, role = "clinician") => ({
  account_id: id,
  session_id: sid,
  username,
  role,
});
