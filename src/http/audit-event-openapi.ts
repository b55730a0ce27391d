// Descriptions of audit events, which the audit log and a patient's history and accesses share.

/** The actions of audit events, as a Markdown list. */
export const auditActionsText =
  "`list`, `list_changes`, `read`, `create`, `replay` (the response to an idempotency key was sent again), `update`, `delete`, `restore`, `transfer`, `merge`, `unmerge`, `erase` (a deleted patient was removed for good), `break_glass` (emergency access), `list_emergency_accesses`, `assign`, `update_assignment` (its role or whether it is primary), `unassign` (an assignment was ended), `book`, `reschedule` (an appointment was moved), `cancel` (appointments were cancelled), `update_appointment` (its status or its note), `schedule` (a doctor's hours), `absence` (of a doctor), `feed` (a calendar feed was created, deleted, or read by another program), `export`, `import`, `history`, `accesses`, `duplicates` (the patients that look like one were listed), `audit`, `list_audit_digests`, `probing` (the account asked for more than 100 patients, appointments or assignments in an hour that are not there for it), `register`, `login`, `logout`, `refresh` (refused), `repeat_refresh` (a used refresh token was exchanged again), `move_session` (to another clinic), `change_password`, `list_clinics`, `read_clinic`, `create_clinic`, `update_clinic`, `delete_clinic`, `list_members`, `add_member`, `update_member`, `end_member`, `invite`, `list_invitations`, `withdraw_invitation`, `create_identifier_system`, `update_identifier_system`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `auditor`, `disable`, `enable`, `sign-out`, `reset-password`";

export const auditEventFieldTexts = {
  id: "The event's id.",
  at: "When it happened, by the clock of the database: a UTC timestamp in milliseconds.",
  account:
    "The account that did it, with the username and the role that it had at that time. `null` if nobody was logged in, or if an operator did it.",
  action: "What was done or attempted.",
  outcome:
    "The result: `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled.",
  address: "The client's network address; `null` if an operator did it.",
  request_id: "The id of the request, as in the header X-Request-Id; `null` if an operator did it.",
  changes: "For a change: the value of each changed field before and after. Left out if no field changed.",
  clinic:
    "The clinic in which the account worked. Left out if the request had no session, and in events from before version 1.2.",
  reason:
    "The reason that was given, if one was required; or why the request was refused; for a refused login also how many were refused.",
};

/** An update of a patient. */
export const exampleAuditEvent = {
  id: 90_210,
  at: "2026-12-09T08:30:00.417Z",
  account: { id: 12, username: "ada", role: "clinician" as const },
  action: "update" as const,
  outcome: "done" as const,
  address: "203.0.113.7",
  request_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
  changes: { age: { before: 85, after: 86 } },
  clinic: 12,
};
