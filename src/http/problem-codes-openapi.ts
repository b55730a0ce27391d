import type { FieldErrorCode, ProblemCode } from "./problem-codes.ts";

// The texts of all codes, for the OpenAPI document and for docs/errors.md (`node test/docs/error-codes.ts`).

/** When a problem occurs, and what a client does then. */
export const problemCodeTexts: Record<ProblemCode, { when: string; action: string }> = {
  validation_failed: {
    when: "A field, a parameter, a header or a line of a file is not valid; `errors` and `error_codes` name each one",
    action: "Show the errors next to the fields",
  },
  invalid_json: { when: "The body is not well-formed JSON", action: "Fix the client" },
  invalid_utf8: {
    when: "The body is not UTF-8 (a CSV file: not UTF-16 with a byte order mark either)",
    action: "Send the text in UTF-8",
  },
  duplicate_key: { when: "An object of the body has a key twice", action: "Fix the client" },
  body_missing: { when: "The request has no body", action: "Fix the client" },
  no_records: { when: "An imported file has no records", action: "Choose another file" },
  token_missing: { when: "The request has no access token", action: "Log in" },
  token_invalid: {
    when: "The access token is malformed, or is not from this API",
    action: "Refresh once, send the request again, and log in if that fails",
  },
  token_expired: {
    when: "The access token has expired",
    action: "Refresh, and send the request again",
  },
  token_revoked: {
    when: "The session of the access token has ended, or the account is disabled or has another role now",
    action: "Refresh once, send the request again, and log in if that fails",
  },
  clinic_changed: {
    when: "The session has moved to another clinic since the access token was issued",
    action: "Use the latest access token. Do not send the request again: it would be for the other clinic",
  },
  membership_ended: {
    when: "The account is not a member any more of the clinic in which the session works",
    action: "Refresh: the session goes on in the personal clinic. Do not send the request again",
  },
  invalid_credentials: {
    when: "There is no active account with this username and password",
    action: "Ask for the password again",
  },
  refresh_token_invalid: {
    when: "The refresh token is unknown or already used, or its session has ended",
    action: "Log in",
  },
  password_change_required: {
    when: "An operator has set the password of your account",
    action: "Change the password: `POST /api/auth/password/`",
  },
  auditor_read_only: {
    when: "Your account is an auditor's, who reads the audit log and accounts and nothing else",
    action: "Do not offer this action",
  },
  admin_required: { when: "Only an admin may do this", action: "Do not offer this action" },
  admin_or_auditor_required: {
    when: "Only an admin or an auditor may read this",
    action: "Do not offer this action",
  },
  own_account: {
    when: "You may not change this of your own account in this way",
    action: "Ask another admin; change your own email with `PATCH /api/auth/me/`",
  },
  own_membership: {
    when: "Nobody adds the own account to a clinic or raises the own role there, and admins do not either",
    action: "Ask a manager of the clinic, or another admin",
  },
  not_patient_owner: {
    when: "You may read the patient, but only its owner may change it, and only its owner or an admin may change or end its assignments",
    action: "Do not offer this action",
  },
  not_appointment_owner: {
    when: "You may read the appointment, but only the clinic of its patient and the doctor's own account may change it; only the clinic may give it to another doctor. Or an absence with `existing: cancel` is at the time of appointments of other clinics, or your role is too low to cancel your own clinic's",
    action: "Do not offer this action; for an absence, send `existing: keep`, or ask the doctor or an admin",
  },
  not_doctor_creator: {
    when: "Another account has created the doctor: only that one or an admin may change it; schedule and absences also the doctor's own account",
    action: "Do not offer this action",
  },
  clinic_role_required: {
    when: "The role of the account in its clinic does not allow this",
    action: "Ask a manager of the clinic, and do not offer this action",
  },
  doctor_relied_on: {
    when: "You have created the doctor, but an account is linked to it, or a patient of another account or of a shared clinic is assigned: only an admin may delete it or change its names, email, phone numbers or `active`",
    action: "Ask an admin",
  },
  registration_closed: {
    when: "This installation takes no registrations",
    action: "Ask the operator for an account",
  },
  no_such_route: { when: "There is no such path", action: "Fix the client" },
  not_found: {
    when: "There is no such record, or not for you; also when the id is not a number",
    action: "Remove the record from the screen",
  },
  method_not_allowed: {
    when: "The path exists, with other methods: `Allow` lists them",
    action: "Fix the client",
  },
  not_acceptable: {
    when: "An export in a format that does not exist",
    action: "Send an `Accept` with a format of the export",
  },
  write_conflict: {
    when: "A concurrent request changed the same records; nothing was changed by this one",
    action: "Send the same request again",
  },
  email_taken: {
    when: "The owner already has a patient with this email, or there is a doctor with it, and neither of the two has `email_shared`; `existing` is the id of the other record, if you can read it",
    action:
      "Show the user the record `existing`. If these are two people with one email, send `email_shared: true`",
  },
  possible_duplicate: {
    when: "`duplicates=refuse`: the new patient looks like others of yours, whose ids are `duplicates`; nothing was created",
    action:
      "Show the user these patients. If it is another person, send the request again with their ids in `not_duplicate_of`",
  },
  receiver_has_email: {
    when: "The account that would get the patient already has one with this email",
    action: "Tell the user: one of the two patients has to change first",
  },
  username_taken: { when: "An account has this username; case is ignored", action: "Ask for another one" },
  identifier_taken: {
    when: "Another patient of the same owner has one of the identifiers; `system` names its identifier system, and `existing` the patient if it is yours",
    action: "Open that patient, or correct the identifier",
  },
  receiver_has_identifier: {
    when: "The account that is to get the patient has one with the same identifier, of the identifier system `system`",
    action: "Change one of the two",
  },
  identifier_system_used: {
    when: "Patients have identifiers of the system, so it cannot get another name",
    action: "Leave the name, or create another system",
  },
  identifier_system_taken: {
    when: "There is an identifier system with this name already",
    action: "Use that one, or another name",
  },
  already_assigned: {
    when: "The doctor is already assigned to the patient",
    action: "Take it for a success, if that is what you wanted",
  },
  doctor_has_patients: {
    when: "The doctor still has patients; `detail` says how many",
    action: "End the assignments first",
  },
  doctor_has_appointments: {
    when: "Patients have or had appointments with the doctor, which must keep their doctor",
    action: "Retire the doctor: set `active` to `false`",
  },
  open_appointments: {
    when: "There are appointments that are booked, or whose patient has arrived: `appointments` has the ids of those that you can see, `others` the number of the others",
    action: "Ask the user whether to cancel them or to move them first",
  },
  appointments_overlap: {
    when: "The two patients have appointments at the same time, whose ids are `appointments`",
    action: "Cancel one of the two, or move it",
  },
  not_bookable: {
    when: "The appointment would break rules: `rules` names all of them, and `next_free` up to three slots that are free instead; nothing was changed",
    action: "Offer the user the slots `next_free`",
  },
  invalid_transition: {
    when: "The status of the appointment, `appointment_status`, does not allow this change, or not yet",
    action: "Read the appointment again, and do not offer this action",
  },
  doctor_deleted: {
    when: "A doctor of the deleted patient's assignments was deleted too; `detail` names the doctor",
    action: "Ask the user whether to restore without these assignments: `?partial=true`",
  },
  patient_not_deleted: {
    when: "Only a deleted patient can be erased",
    action: "Delete the patient first, or have its owner delete it",
  },
  not_merged: {
    when: "The patient is not merged, so there is nothing to undo",
    action: "Take it for a success, if that is what you wanted",
  },
  survivor_merged: {
    when: "The patient that this one was merged into was merged itself; `detail` names it",
    action: "Undo that merge first",
  },
  unmerge_expired: { when: "The merge was more than 30 days ago", action: "Do not offer this action" },
  merge_exceeds_limit: {
    when: "Both patients together have more phone numbers or identifiers than one may have; `detail` names the field",
    action: "Let the user remove some",
  },
  last_admin: {
    when: "The change would leave no active admin",
    action: "Make another account an admin first",
  },
  last_manager: {
    when: "The change would leave a shared clinic without an active manager",
    action: "Make another member a manager first",
  },
  clinic_not_empty: {
    when: "The clinic still has patients; deleted ones count, because they can be restored",
    action: "Transfer the patients first, or set `active` of the clinic to `false`",
  },
  personal_clinic: {
    when: "It is the personal clinic of an account, which has this one member and is never deleted",
    action: "Use a shared clinic",
  },
  invitation_unusable: {
    when: "This installation takes no registrations, so nobody could use an invitation",
    action: "Do not offer this action",
  },
  too_many_feeds: {
    when: "The account has as many calendar feeds as it may have",
    action: "Delete one that nobody uses",
  },
  replay_unreadable: {
    when: "An earlier request with this `Idempotency-Key` created a record that you cannot read any more; nothing was created now",
    action: "Do not send it again with this key",
  },
  merged: {
    when: "The patient was merged into another one: `successor` is its id",
    action: "Use the patient `successor` in place of this one",
  },
  cursor_expired: {
    when: "The cursor of the changes is older than 90 days, of the time before a backup was restored, or of another clinic, or your account's link to a doctor has changed",
    action: "Drop the copy, and read the changes without `since`",
  },
  precondition_failed: {
    when: "`If-Match` names another version: somebody else changed the record first; or `If-None-Match` names this one",
    action: "Read the record again and let the user decide",
  },
  body_too_large: {
    when: "The body is larger than 64 KiB (8 KiB with a refresh token, 1 MiB of an import)",
    action: "Send less at once",
  },
  too_many_records: {
    when: "An imported file has more than 1,000 records",
    action: "Send the file in parts",
  },
  unsupported_media_type: {
    when: "The `Content-Type` is not one that the route takes, or names another charset than UTF-8",
    action: "Fix the client",
  },
  unsupported_content_encoding: {
    when: "The body is compressed: it has a `Content-Encoding` other than `identity`",
    action: "Send it without compression",
  },
  idempotency_key_reused: {
    when: "The `Idempotency-Key` was used before for a different request",
    action: "Use a key of its own for each record",
  },
  precondition_required: {
    when: "This installation requires `If-Match` with every change",
    action: "Send the record's `ETag`",
  },
  rate_limited: {
    when: "Too many requests of one network, session or account",
    action: "Wait for `Retry-After`",
  },
  locked_out: {
    when: "Too many wrong passwords for this username or from this network",
    action: "Wait for `Retry-After`: 1, 2, 4 … seconds, up to 15 minutes",
  },
  probing: {
    when: "Your account has asked for more than 100 patients, appointments or assignments that do not exist for it: all its requests are refused",
    action: "Wait for `Retry-After`: until the next full hour",
  },
  internal_error: {
    when: "A fault in the API, or a missing setting",
    action: "Tell the operator the `request_id`; do not send it again",
  },
  database_unavailable: {
    when: "The database did not respond in time: **the change may have been made or not**",
    action: "Wait for `Retry-After`, then send again what is safe to send twice",
  },
  database_busy: {
    when: "Timed out waiting for another update; nothing was changed",
    action: "Wait for `Retry-After`, then send the same request again",
  },
};

/** What is wrong with a field. */
export const fieldErrorCodeTexts: Record<FieldErrorCode, string> = {
  required: "It is missing or blank; several fields have this code when one of them is enough",
  invalid_type: "It has another type: a text in place of a number, a fraction in place of an integer",
  invalid_value: "It is none of the values that are allowed",
  invalid_format: "The text does not have the form that is expected",
  invalid_email: "It is not an email address",
  invalid_phone: "It is not a phone number: + and 7 to 15 digits, without a 0 in brackets",
  country_code_missing: "The phone number does not begin with + and the country code",
  invalid_text: "The text has a NUL or is not well-formed Unicode, or a line of an address has a line break",
  invisible_characters: "A name has zero-width or bidirectional control characters",
  too_big: "The number is too big",
  too_small:
    "The number or the time is too small; `max_age` is less than `min_age`, or `to` is before `from`",
  too_long: "The text, the line or the cell is too long",
  too_short: "The text is too short",
  too_many: "The list has too many items, or a line of a file too many fields, cells or columns",
  unknown_field: "The record has no such field",
  unknown_parameter: "The route has no such query parameter",
  repeated_parameter: "The query has the parameter more than once",
  malformed_encoding: "The parameter is not percent-encoded UTF-8",
  read_only: "It cannot be changed, and the value is not that of the record",
  no_such_record: "It refers to a record or an account that does not exist for you, or not for this purpose",
  doctor_inactive: "The doctor takes no new patients",
  not_assigned: "The doctor is not assigned to the patient",
  retired: "The doctor is not active any more, and takes no appointments",
  past: "The time is before the current minute",
  too_far_ahead: "The time is more than 366 days ahead",
  interim_manager: "The clinic has no manager yet but the admin who created it",
  in_the_future: "The date is after tomorrow",
  too_long_ago: "The date is more than 120 years ago",
  age_disagrees: "The age is not possible with the birth date",
  birth_date_known: "The birth date can be replaced, but not removed",
  same_account: "It must be another account",
  password_too_common: "Too many people use this password",
  password_one_character: "The password is one character repeated",
  password_is_username: "The password is the username",
  password_is_email: "The password is the email, or the part before its `@`",
  password_unchanged: "The new password is the current one",
  password_expired: "The password that an operator has set has expired: ask for a new one",
  wrong_password: "It is not the current password",
  invitation_invalid: "The invitation is unknown, already used or expired",
  email_not_invited: "The invitation was sent to another email",
  invalid_cursor: "The cursor is not one of this list: start at the first page",
  differs_from_cursor: "It differs from the query that the cursor belongs to",
  email_taken: "You already have a patient with this email",
  invalid_check_digit: "The check digit of an identifier does not fit the rest of it",
  identifier_taken: "You already have a patient with this identifier (import)",
  identifier_repeated: "An earlier identifier of the record, or of the imported file, is the same",
  email_repeated: "An earlier line of the file has this email",
  invalid_json: "The line is not well-formed JSON",
  invalid_csv: "A quotation mark on this line of CSV is not closed or not doubled",
  duplicate_key: "An object of the line has a key twice",
  wrong_cell_count: "The line has more or fewer cells than the header",
  missing_header: "The first line of a CSV file does not name the columns",
  unknown_column: "There is no such column, or a cell is not under a name of the header",
  missing_column: "The header does not have this column",
  duplicate_column: "The header has this column twice",
};
