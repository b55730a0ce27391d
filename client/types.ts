// Generated from the schemas of src/ by client/generate-types.ts: do not edit; `npm run client:types` writes it anew.

/** `M` male, `F` female, `O` other, `U` unknown. */
export type Gender = "M" | "F" | "O" | "U";

/** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
export type Specialization = "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";

/** What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor. */
export type AssignmentRole = "attending" | "consulting" | "covering";

/** `booked`; `arrived`: the patient is here; `fulfilled`: it has taken place; `cancelled`; `no_show`: the patient did not come. */
export type AppointmentStatus = "booked" | "arrived" | "fulfilled" | "cancelled" | "no_show";

/** `no_schedule`: the doctor has no hours; `outside_hours`; `absent`: the doctor is absent; `day_full`: the doctor has as many appointments on this day as there may be; `doctor_busy`, `patient_busy`: there is another appointment at this time. */
export type AppointmentRule =
  | "no_schedule"
  | "outside_hours"
  | "absent"
  | "day_full"
  | "doctor_busy"
  | "patient_busy";

/** A country, by its alpha-2 code of ISO 3166-1. */
export type Country =
  | "AD"
  | "AE"
  | "AF"
  | "AG"
  | "AI"
  | "AL"
  | "AM"
  | "AO"
  | "AQ"
  | "AR"
  | "AS"
  | "AT"
  | "AU"
  | "AW"
  | "AX"
  | "AZ"
  | "BA"
  | "BB"
  | "BD"
  | "BE"
  | "BF"
  | "BG"
  | "BH"
  | "BI"
  | "BJ"
  | "BL"
  | "BM"
  | "BN"
  | "BO"
  | "BQ"
  | "BR"
  | "BS"
  | "BT"
  | "BV"
  | "BW"
  | "BY"
  | "BZ"
  | "CA"
  | "CC"
  | "CD"
  | "CF"
  | "CG"
  | "CH"
  | "CI"
  | "CK"
  | "CL"
  | "CM"
  | "CN"
  | "CO"
  | "CR"
  | "CU"
  | "CV"
  | "CW"
  | "CX"
  | "CY"
  | "CZ"
  | "DE"
  | "DJ"
  | "DK"
  | "DM"
  | "DO"
  | "DZ"
  | "EC"
  | "EE"
  | "EG"
  | "EH"
  | "ER"
  | "ES"
  | "ET"
  | "FI"
  | "FJ"
  | "FK"
  | "FM"
  | "FO"
  | "FR"
  | "GA"
  | "GB"
  | "GD"
  | "GE"
  | "GF"
  | "GG"
  | "GH"
  | "GI"
  | "GL"
  | "GM"
  | "GN"
  | "GP"
  | "GQ"
  | "GR"
  | "GS"
  | "GT"
  | "GU"
  | "GW"
  | "GY"
  | "HK"
  | "HM"
  | "HN"
  | "HR"
  | "HT"
  | "HU"
  | "ID"
  | "IE"
  | "IL"
  | "IM"
  | "IN"
  | "IO"
  | "IQ"
  | "IR"
  | "IS"
  | "IT"
  | "JE"
  | "JM"
  | "JO"
  | "JP"
  | "KE"
  | "KG"
  | "KH"
  | "KI"
  | "KM"
  | "KN"
  | "KP"
  | "KR"
  | "KW"
  | "KY"
  | "KZ"
  | "LA"
  | "LB"
  | "LC"
  | "LI"
  | "LK"
  | "LR"
  | "LS"
  | "LT"
  | "LU"
  | "LV"
  | "LY"
  | "MA"
  | "MC"
  | "MD"
  | "ME"
  | "MF"
  | "MG"
  | "MH"
  | "MK"
  | "ML"
  | "MM"
  | "MN"
  | "MO"
  | "MP"
  | "MQ"
  | "MR"
  | "MS"
  | "MT"
  | "MU"
  | "MV"
  | "MW"
  | "MX"
  | "MY"
  | "MZ"
  | "NA"
  | "NC"
  | "NE"
  | "NF"
  | "NG"
  | "NI"
  | "NL"
  | "NO"
  | "NP"
  | "NR"
  | "NU"
  | "NZ"
  | "OM"
  | "PA"
  | "PE"
  | "PF"
  | "PG"
  | "PH"
  | "PK"
  | "PL"
  | "PM"
  | "PN"
  | "PR"
  | "PS"
  | "PT"
  | "PW"
  | "PY"
  | "QA"
  | "RE"
  | "RO"
  | "RS"
  | "RU"
  | "RW"
  | "SA"
  | "SB"
  | "SC"
  | "SD"
  | "SE"
  | "SG"
  | "SH"
  | "SI"
  | "SJ"
  | "SK"
  | "SL"
  | "SM"
  | "SN"
  | "SO"
  | "SR"
  | "SS"
  | "ST"
  | "SV"
  | "SX"
  | "SY"
  | "SZ"
  | "TC"
  | "TD"
  | "TF"
  | "TG"
  | "TH"
  | "TJ"
  | "TK"
  | "TL"
  | "TM"
  | "TN"
  | "TO"
  | "TR"
  | "TT"
  | "TV"
  | "TW"
  | "TZ"
  | "UA"
  | "UG"
  | "UM"
  | "US"
  | "UY"
  | "UZ"
  | "VA"
  | "VC"
  | "VE"
  | "VG"
  | "VI"
  | "VN"
  | "VU"
  | "WF"
  | "WS"
  | "YE"
  | "YT"
  | "ZA"
  | "ZM"
  | "ZW";

/** What an account may do: a `clinician` changes its own records; an `admin` also changes all doctors and manages accounts; an `auditor` only reads the audit log and accounts. */
export type Role = "clinician" | "admin" | "auditor";

/** `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled. */
export type Outcome = "done" | "not_found" | "refused";

/** What was done or attempted: `list`, `list_changes`, `read`, `create`, `replay` (the response to an idempotency key was sent again), `update`, `delete`, `restore`, `transfer`, `merge`, `unmerge`, `erase` (a deleted patient was removed for good), `break_glass` (emergency access), `list_emergency_accesses`, `assign`, `update_assignment` (its role or whether it is primary), `unassign` (an assignment was ended), `book`, `reschedule` (an appointment was moved), `cancel` (appointments were cancelled), `update_appointment` (its status or its note), `schedule` (a doctor's hours), `absence` (of a doctor), `feed` (a calendar feed was created, deleted, or read by another program), `export`, `import`, `history`, `accesses`, `duplicates` (the patients that look like one were listed), `audit`, `list_audit_digests`, `probing` (the account asked for more than 100 patients, appointments or assignments in an hour that are not there for it), `register`, `login`, `logout`, `refresh` (refused), `repeat_refresh` (a used refresh token was exchanged again), `move_session` (to another clinic), `change_password`, `list_clinics`, `read_clinic`, `create_clinic`, `update_clinic`, `delete_clinic`, `list_members`, `add_member`, `update_member`, `end_member`, `invite`, `list_invitations`, `withdraw_invitation`, `create_identifier_system`, `update_identifier_system`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `auditor`, `disable`, `enable`, `sign-out`, `reset-password`. */
export type AuditAction =
  | "list"
  | "list_changes"
  | "read"
  | "create"
  | "replay"
  | "history"
  | "accesses"
  | "duplicates"
  | "audit"
  | "list_audit_digests"
  | "update"
  | "delete"
  | "restore"
  | "transfer"
  | "merge"
  | "unmerge"
  | "erase"
  | "break_glass"
  | "list_emergency_accesses"
  | "assign"
  | "update_assignment"
  | "unassign"
  | "schedule"
  | "absence"
  | "book"
  | "reschedule"
  | "cancel"
  | "update_appointment"
  | "feed"
  | "export"
  | "import"
  | "register"
  | "login"
  | "logout"
  | "refresh"
  | "repeat_refresh"
  | "move_session"
  | "change_password"
  | "create_identifier_system"
  | "update_identifier_system"
  | "list_clinics"
  | "read_clinic"
  | "create_clinic"
  | "update_clinic"
  | "delete_clinic"
  | "list_members"
  | "add_member"
  | "update_member"
  | "end_member"
  | "invite"
  | "list_invitations"
  | "withdraw_invitation"
  | "list_accounts"
  | "read_account"
  | "update_account"
  | "sign_out"
  | "probing"
  | "purge"
  | "admin"
  | "clinician"
  | "auditor"
  | "disable"
  | "enable"
  | "sign-out"
  | "reset-password";

/**
 * What is wrong with a field. Later versions may add codes.
 *
 * - `required`: It is missing or blank; several fields have this code when one of them is enough.
 * - `invalid_type`: It has another type: a text in place of a number, a fraction in place of an integer.
 * - `invalid_value`: It is none of the values that are allowed.
 * - `invalid_format`: The text does not have the form that is expected.
 * - `invalid_email`: It is not an email address.
 * - `invalid_phone`: It is not a phone number: + and 7 to 15 digits, without a 0 in brackets.
 * - `country_code_missing`: The phone number does not begin with + and the country code.
 * - `invalid_text`: The text has a NUL or is not well-formed Unicode, or a line of an address has a line break.
 * - `invisible_characters`: A name has zero-width or bidirectional control characters.
 * - `too_big`: The number is too big.
 * - `too_small`: The number or the time is too small; `max_age` is less than `min_age`, or `to` is before `from`.
 * - `too_long`: The text, the line or the cell is too long.
 * - `too_short`: The text is too short.
 * - `too_many`: The list has too many items, or a line of a file too many fields, cells or columns.
 * - `unknown_field`: The record has no such field.
 * - `unknown_parameter`: The route has no such query parameter.
 * - `repeated_parameter`: The query has the parameter more than once.
 * - `malformed_encoding`: The parameter is not percent-encoded UTF-8.
 * - `read_only`: It cannot be changed, and the value is not that of the record.
 * - `no_such_record`: It refers to a record or an account that does not exist for you, or not for this purpose.
 * - `doctor_inactive`: The doctor takes no new patients.
 * - `not_assigned`: The doctor is not assigned to the patient.
 * - `retired`: The doctor is not active any more, and takes no appointments.
 * - `past`: The time is before the current minute.
 * - `too_far_ahead`: The time is more than 366 days ahead.
 * - `interim_manager`: The clinic has no manager yet but the admin who created it.
 * - `in_the_future`: The date is after tomorrow.
 * - `too_long_ago`: The date is more than 120 years ago.
 * - `age_disagrees`: The age is not possible with the birth date.
 * - `birth_date_known`: The birth date can be replaced, but not removed.
 * - `same_account`: It must be another account.
 * - `password_too_common`: Too many people use this password.
 * - `password_one_character`: The password is one character repeated.
 * - `password_is_username`: The password is the username.
 * - `password_is_email`: The password is the email, or the part before its `@`.
 * - `password_unchanged`: The new password is the current one.
 * - `password_expired`: The password that an operator has set has expired: ask for a new one.
 * - `wrong_password`: It is not the current password.
 * - `invitation_invalid`: The invitation is unknown, already used or expired.
 * - `email_not_invited`: The invitation was sent to another email.
 * - `invalid_cursor`: The cursor is not one of this list: start at the first page.
 * - `differs_from_cursor`: It differs from the query that the cursor belongs to.
 * - `email_taken`: You already have a patient with this email.
 * - `invalid_check_digit`: The check digit of an identifier does not fit the rest of it.
 * - `identifier_taken`: You already have a patient with this identifier (import).
 * - `identifier_repeated`: An earlier identifier of the record, or of the imported file, is the same.
 * - `email_repeated`: An earlier line of the file has this email.
 * - `invalid_json`: The line is not well-formed JSON.
 * - `invalid_csv`: A quotation mark on this line of CSV is not closed or not doubled.
 * - `duplicate_key`: An object of the line has a key twice.
 * - `wrong_cell_count`: The line has more or fewer cells than the header.
 * - `missing_header`: The first line of a CSV file does not name the columns.
 * - `unknown_column`: There is no such column, or a cell is not under a name of the header.
 * - `missing_column`: The header does not have this column.
 * - `duplicate_column`: The header has this column twice.
 */
export type FieldErrorCode =
  | "required"
  | "invalid_type"
  | "invalid_value"
  | "invalid_format"
  | "invalid_email"
  | "invalid_phone"
  | "country_code_missing"
  | "invalid_text"
  | "invisible_characters"
  | "too_big"
  | "too_small"
  | "too_long"
  | "too_short"
  | "too_many"
  | "unknown_field"
  | "unknown_parameter"
  | "repeated_parameter"
  | "malformed_encoding"
  | "read_only"
  | "no_such_record"
  | "doctor_inactive"
  | "not_assigned"
  | "retired"
  | "past"
  | "too_far_ahead"
  | "interim_manager"
  | "in_the_future"
  | "too_long_ago"
  | "age_disagrees"
  | "birth_date_known"
  | "same_account"
  | "password_too_common"
  | "password_one_character"
  | "password_is_username"
  | "password_is_email"
  | "password_unchanged"
  | "password_expired"
  | "wrong_password"
  | "invitation_invalid"
  | "email_not_invited"
  | "invalid_cursor"
  | "differs_from_cursor"
  | "email_taken"
  | "email_repeated"
  | "invalid_check_digit"
  | "identifier_taken"
  | "identifier_repeated"
  | "invalid_json"
  | "invalid_csv"
  | "duplicate_key"
  | "wrong_cell_count"
  | "missing_header"
  | "unknown_column"
  | "missing_column"
  | "duplicate_column";

/**
 * What kind of error a problem is. Later versions may add codes: treat one that you do not know like its status.
 *
 * - `validation_failed`: 400. A field, a parameter, a header or a line of a file is not valid; `errors` and `error_codes` name each one. Show the errors next to the fields.
 * - `invalid_json`: 400. The body is not well-formed JSON. Fix the client.
 * - `invalid_utf8`: 400. The body is not UTF-8 (a CSV file: not UTF-16 with a byte order mark either). Send the text in UTF-8.
 * - `duplicate_key`: 400. An object of the body has a key twice. Fix the client.
 * - `body_missing`: 400. The request has no body. Fix the client.
 * - `no_records`: 400. An imported file has no records. Choose another file.
 * - `token_missing`: 401. The request has no access token. Log in.
 * - `token_invalid`: 401. The access token is malformed, or is not from this API. Refresh once, send the request again, and log in if that fails.
 * - `token_expired`: 401. The access token has expired. Refresh, and send the request again.
 * - `token_revoked`: 401. The session of the access token has ended, or the account is disabled or has another role now. Refresh once, send the request again, and log in if that fails.
 * - `clinic_changed`: 401. The session has moved to another clinic since the access token was issued. Use the latest access token. Do not send the request again: it would be for the other clinic.
 * - `membership_ended`: 401. The account is not a member any more of the clinic in which the session works. Refresh: the session goes on in the personal clinic. Do not send the request again.
 * - `invalid_credentials`: 401. There is no active account with this username and password. Ask for the password again.
 * - `refresh_token_invalid`: 401. The refresh token is unknown or already used, or its session has ended. Log in.
 * - `password_change_required`: 403. An operator has set the password of your account. Change the password: `POST /api/auth/password/`.
 * - `auditor_read_only`: 403. Your account is an auditor's, who reads the audit log and accounts and nothing else. Do not offer this action.
 * - `admin_required`: 403. Only an admin may do this. Do not offer this action.
 * - `admin_or_auditor_required`: 403. Only an admin or an auditor may read this. Do not offer this action.
 * - `own_account`: 403. You may not change this of your own account in this way. Ask another admin; change your own email with `PATCH /api/auth/me/`.
 * - `own_membership`: 403. Nobody adds the own account to a clinic or raises the own role there, and admins do not either. Ask a manager of the clinic, or another admin.
 * - `not_patient_owner`: 403. You may read the patient, but only its owner may change it, and only its owner or an admin may change or end its assignments. Do not offer this action.
 * - `not_appointment_owner`: 403. You may read the appointment, but only the clinic of its patient and the doctor's own account may change it; only the clinic may give it to another doctor. Or an absence with `existing: cancel` is at the time of appointments of other clinics, or your role is too low to cancel your own clinic's. Do not offer this action; for an absence, send `existing: keep`, or ask the doctor or an admin.
 * - `not_doctor_creator`: 403. Another account has created the doctor: only that one or an admin may change it; schedule and absences also the doctor's own account. Do not offer this action.
 * - `clinic_role_required`: 403. The role of the account in its clinic does not allow this. Ask a manager of the clinic, and do not offer this action.
 * - `doctor_relied_on`: 403. You have created the doctor, but an account is linked to it, or a patient of another account or of a shared clinic is assigned: only an admin may delete it or change its names, email, phone numbers or `active`. Ask an admin.
 * - `registration_closed`: 403. This installation takes no registrations. Ask the operator for an account.
 * - `no_such_route`: 404. There is no such path. Fix the client.
 * - `not_found`: 404. There is no such record, or not for you; also when the id is not a number. Remove the record from the screen.
 * - `method_not_allowed`: 405. The path exists, with other methods: `Allow` lists them. Fix the client.
 * - `not_acceptable`: 406. An export in a format that does not exist. Send an `Accept` with a format of the export.
 * - `write_conflict`: 409. A concurrent request changed the same records; nothing was changed by this one. Send the same request again.
 * - `email_taken`: 409. The owner already has a patient with this email, or there is a doctor with it, and neither of the two has `email_shared`; `existing` is the id of the other record, if you can read it. Show the user the record `existing`. If these are two people with one email, send `email_shared: true`.
 * - `possible_duplicate`: 409. `duplicates=refuse`: the new patient looks like others of yours, whose ids are `duplicates`; nothing was created. Show the user these patients. If it is another person, send the request again with their ids in `not_duplicate_of`.
 * - `receiver_has_email`: 409. The account that would get the patient already has one with this email. Tell the user: one of the two patients has to change first.
 * - `username_taken`: 409. An account has this username; case is ignored. Ask for another one.
 * - `identifier_taken`: 409. Another patient of the same owner has one of the identifiers; `system` names its identifier system, and `existing` the patient if it is yours. Open that patient, or correct the identifier.
 * - `receiver_has_identifier`: 409. The account that is to get the patient has one with the same identifier, of the identifier system `system`. Change one of the two.
 * - `identifier_system_used`: 409. Patients have identifiers of the system, so it cannot get another name. Leave the name, or create another system.
 * - `identifier_system_taken`: 409. There is an identifier system with this name already. Use that one, or another name.
 * - `already_assigned`: 409. The doctor is already assigned to the patient. Take it for a success, if that is what you wanted.
 * - `doctor_has_patients`: 409. The doctor still has patients; `detail` says how many. End the assignments first.
 * - `doctor_has_appointments`: 409. Patients have or had appointments with the doctor, which must keep their doctor. Retire the doctor: set `active` to `false`.
 * - `open_appointments`: 409. There are appointments that are booked, or whose patient has arrived: `appointments` has the ids of those that you can see, `others` the number of the others. Ask the user whether to cancel them or to move them first.
 * - `appointments_overlap`: 409. The two patients have appointments at the same time, whose ids are `appointments`. Cancel one of the two, or move it.
 * - `not_bookable`: 409. The appointment would break rules: `rules` names all of them, and `next_free` up to three slots that are free instead; nothing was changed. Offer the user the slots `next_free`.
 * - `invalid_transition`: 409. The status of the appointment, `appointment_status`, does not allow this change, or not yet. Read the appointment again, and do not offer this action.
 * - `doctor_deleted`: 409. A doctor of the deleted patient's assignments was deleted too; `detail` names the doctor. Ask the user whether to restore without these assignments: `?partial=true`.
 * - `patient_not_deleted`: 409. Only a deleted patient can be erased. Delete the patient first, or have its owner delete it.
 * - `not_merged`: 409. The patient is not merged, so there is nothing to undo. Take it for a success, if that is what you wanted.
 * - `survivor_merged`: 409. The patient that this one was merged into was merged itself; `detail` names it. Undo that merge first.
 * - `unmerge_expired`: 409. The merge was more than 30 days ago. Do not offer this action.
 * - `merge_exceeds_limit`: 409. Both patients together have more phone numbers or identifiers than one may have; `detail` names the field. Let the user remove some.
 * - `last_admin`: 409. The change would leave no active admin. Make another account an admin first.
 * - `last_manager`: 409. The change would leave a shared clinic without an active manager. Make another member a manager first.
 * - `clinic_not_empty`: 409. The clinic still has patients; deleted ones count, because they can be restored. Transfer the patients first, or set `active` of the clinic to `false`.
 * - `personal_clinic`: 409. It is the personal clinic of an account, which has this one member and is never deleted. Use a shared clinic.
 * - `invitation_unusable`: 409. This installation takes no registrations, so nobody could use an invitation. Do not offer this action.
 * - `too_many_feeds`: 409. The account has as many calendar feeds as it may have. Delete one that nobody uses.
 * - `replay_unreadable`: 409. An earlier request with this `Idempotency-Key` created a record that you cannot read any more; nothing was created now. Do not send it again with this key.
 * - `merged`: 410. The patient was merged into another one: `successor` is its id. Use the patient `successor` in place of this one.
 * - `cursor_expired`: 410. The cursor of the changes is older than 90 days, of the time before a backup was restored, or of another clinic, or your account's link to a doctor has changed. Drop the copy, and read the changes without `since`.
 * - `precondition_failed`: 412. `If-Match` names another version: somebody else changed the record first; or `If-None-Match` names this one. Read the record again and let the user decide.
 * - `body_too_large`: 413. The body is larger than 64 KiB (8 KiB with a refresh token, 1 MiB of an import). Send less at once.
 * - `too_many_records`: 413. An imported file has more than 1,000 records. Send the file in parts.
 * - `unsupported_media_type`: 415. The `Content-Type` is not one that the route takes, or names another charset than UTF-8. Fix the client.
 * - `unsupported_content_encoding`: 415. The body is compressed: it has a `Content-Encoding` other than `identity`. Send it without compression.
 * - `idempotency_key_reused`: 422. The `Idempotency-Key` was used before for a different request. Use a key of its own for each record.
 * - `precondition_required`: 428. This installation requires `If-Match` with every change. Send the record's `ETag`.
 * - `rate_limited`: 429. Too many requests of one network, session or account. Wait for `Retry-After`.
 * - `locked_out`: 429. Too many wrong passwords for this username or from this network. Wait for `Retry-After`: 1, 2, 4 … seconds, up to 15 minutes.
 * - `probing`: 429. Your account has asked for more than 100 patients, appointments or assignments that do not exist for it: all its requests are refused. Wait for `Retry-After`: until the next full hour.
 * - `internal_error`: 500. A fault in the API, or a missing setting. Tell the operator the `request_id`; do not send it again.
 * - `database_unavailable`: 503. The database did not respond in time: **the change may have been made or not**. Wait for `Retry-After`, then send again what is safe to send twice.
 * - `database_busy`: 503. Timed out waiting for another update; nothing was changed. Wait for `Retry-After`, then send the same request again.
 */
export type ProblemCode =
  | "validation_failed"
  | "invalid_json"
  | "invalid_utf8"
  | "duplicate_key"
  | "body_missing"
  | "no_records"
  | "token_missing"
  | "token_invalid"
  | "token_expired"
  | "token_revoked"
  | "clinic_changed"
  | "membership_ended"
  | "invalid_credentials"
  | "refresh_token_invalid"
  | "password_change_required"
  | "auditor_read_only"
  | "admin_required"
  | "admin_or_auditor_required"
  | "own_account"
  | "own_membership"
  | "not_patient_owner"
  | "not_appointment_owner"
  | "not_doctor_creator"
  | "doctor_relied_on"
  | "clinic_role_required"
  | "registration_closed"
  | "no_such_route"
  | "not_found"
  | "method_not_allowed"
  | "not_acceptable"
  | "write_conflict"
  | "email_taken"
  | "possible_duplicate"
  | "receiver_has_email"
  | "username_taken"
  | "identifier_taken"
  | "receiver_has_identifier"
  | "identifier_system_taken"
  | "identifier_system_used"
  | "already_assigned"
  | "doctor_has_patients"
  | "doctor_has_appointments"
  | "open_appointments"
  | "appointments_overlap"
  | "not_bookable"
  | "invalid_transition"
  | "doctor_deleted"
  | "patient_not_deleted"
  | "not_merged"
  | "survivor_merged"
  | "unmerge_expired"
  | "merge_exceeds_limit"
  | "last_admin"
  | "last_manager"
  | "clinic_not_empty"
  | "personal_clinic"
  | "invitation_unusable"
  | "too_many_feeds"
  | "replay_unreadable"
  | "merged"
  | "cursor_expired"
  | "precondition_failed"
  | "body_too_large"
  | "too_many_records"
  | "unsupported_media_type"
  | "unsupported_content_encoding"
  | "idempotency_key_reused"
  | "precondition_required"
  | "rate_limited"
  | "locked_out"
  | "probing"
  | "internal_error"
  | "database_unavailable"
  | "database_busy";

/** A new account. */
export interface Registration {
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** At least 8 characters, unless this installation requires more, and at most 256 bytes of UTF-8, in Unicode's normal form NFC. All characters are allowed, and spaces at the start and the end count. Rejected are the 30,000 most common passwords, `hospital`, `clinic`, `doctor`, `patient`, `nurse` and `medical`, also with digits and punctuation at the end or with usual replacements (`P@ssw0rd`, `Summer2026`), and: one character repeated, the username, the email, and the part of the email before the @. */
  password: string;
  /** The code of an invitation. Needed if this installation requires one, or to become an admin. */
  invitation?: string;
}

/** The username and the password of an account. */
export interface Credentials {
  /** The username; case is ignored. */
  username: string;
  /** The account's password. */
  password: string;
  /** The clinic in which the session works. Left out: the one that the account moved to last, or else its personal clinic. */
  clinic?: number;
}

/** The account that was created. */
export interface NewAccount {
  /** The account's id. */
  id: number;
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
}

/** An account. */
export interface Account {
  /** The account's id. */
  id: number;
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** A `clinician` can change the records of the account; an `admin` can also change all doctors; an `auditor` can read the audit log and accounts, and nothing else. */
  role: Role;
  /** The clinic in which your session works, with your role there. */
  clinic: {
    id: number;
    name: string;
    kind: "personal" | "shared";
    role: "reader" | "clerk" | "clinician" | "manager";
  };
}

/** The tokens of a session. The fields are named as in OAuth 2.0 where it has them (RFC 6749, section 5.1). */
export interface TokenPair {
  /** The access token, a JWT. Send it as `Authorization: Bearer <access>`. */
  access: string;
  /** The refresh token. Send it once, to the refresh route, to get the next pair. */
  refresh: string;
  /** Always `Bearer`. */
  token_type: "Bearer";
  /** How long `access` is valid, in seconds: at most 900. */
  expires_in: number;
  /** The id of the clinic in which the session works. After a refresh it can be another one: because another tab has moved the session, or because the membership has ended. */
  clinic: number;
  /** Present, and true, only if an operator has set the account's password. Until you change the password, every other request returns 403. The password expires after 24 hours. */
  must_change_password?: true;
}

/** A new password, and the one that it replaces. */
export interface PasswordChange {
  /** The account's current password. */
  current: string;
  /** At least 8 characters, unless this installation requires more, and at most 256 bytes of UTF-8, in Unicode's normal form NFC. All characters are allowed, and spaces at the start and the end count. Rejected are the 30,000 most common passwords, `hospital`, `clinic`, `doctor`, `patient`, `nurse` and `medical`, also with digits and punctuation at the end or with usual replacements (`P@ssw0rd`, `Summer2026`), and: one character repeated, the username, the email, and the part of the email before the @. */
  new: string;
}

/** A change of your own account. */
export interface OwnAccountChange {
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** The account's current password. */
  password: string;
  /** Read-only. It may be sent back as it is; another username is an error. */
  username?: string;
  /** Read-only. It may be sent back as it is; another role is an error. */
  role?: Role;
}

/** An active session of your account. Each login creates one, and each change of the password. */
export interface Session {
  /** The session's id. */
  id: string;
  /** When it was created, by a login or a change of the password. */
  created_at: string;
  /** When it was created or last refreshed. */
  last_used_at: string;
  /** When it ends, unless it is refreshed before. */
  expires_at: string;
  /** The `User-Agent` header of the request that created it, up to 256 characters; null if there was none. */
  user_agent: string | null;
  /** The client's network address when the session was created or last refreshed; null if it is not known. If it is not one of yours, end the session and change your password. */
  last_address: string | null;
  /** The `User-Agent` header of that request, up to 256 characters; null if there was none. */
  last_user_agent: string | null;
  /** Whether the access token of this request belongs to it. */
  current: boolean;
}

/** An account, as admins see it. */
export interface AccountDetails {
  /** The account's id. */
  id: number;
  /** The username. */
  username: string;
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** `clinician`, `admin` or `auditor`. */
  role: Role;
  /** Whether the account can log in. A disabled account has no sessions. */
  active: boolean;
  /** The id of the doctor whose own account this is: the account can read that doctor's patients. Null for most accounts. */
  doctor: number | null;
  /** When it was created. */
  created_at: string;
}

/** Changes of an account. Fields that are left out stay as they are. */
export interface AccountChanges {
  /** The account's email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email?: string;
  /** `clinician`, `admin` or `auditor`. */
  role?: Role;
  /** Whether the account can log in. A disabled account has no sessions. */
  active?: boolean;
  /** The id of the doctor whose own account this is: the account can read that doctor's patients. Null for most accounts. */
  doctor?: number | null;
  /** Read-only. It may be sent back as it is; another username is an error. */
  username?: string;
  /** Why the account is linked to a doctor, 10 to 500 characters; required when `doctor` is set to a doctor. It is written to the audit log, where the owners of the doctor's patients can read it. */
  reason?: string;
}

/** A new invitation. */
export interface NewInvitation {
  /** The email address that the account will have, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: Role;
  /** The id of a shared clinic that the account becomes a member of when it registers. */
  clinic?: number;
  /** The role of the account in the clinic: `reader`, `clerk`, `clinician` or `manager`. Required with `clinic`. */
  clinic_role?: "reader" | "clerk" | "clinician" | "manager";
}

/** The invitation that was created, with its code. */
export interface IssuedInvitation {
  /** The invitation's id. */
  id: number;
  /** The email address that the account will have, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: Role;
  /** The id of a shared clinic that the account becomes a member of when it registers. Null for none. */
  clinic: number | null;
  /** The role of the account in the clinic. */
  clinic_role: ("reader" | "clerk" | "clinician" | "manager") | null;
  /** The value of `invitation` when registering. It is shown only now and cannot be read later. */
  code: string;
  /** When it expires: seven days after it was created. */
  expires_at: string;
}

/** An invitation that has not been used. */
export interface Invitation {
  /** The invitation's id. */
  id: number;
  /** The email address that the account will have, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: Role;
  /** The id of a shared clinic that the account becomes a member of when it registers. Null for none. */
  clinic: number | null;
  /** The role of the account in the clinic. */
  clinic_role: ("reader" | "clerk" | "clinician" | "manager") | null;
  /** The id of the admin's account; null if an operator of this installation created it. */
  created_by: number | null;
  /** When it was created. */
  created_at: string;
  /** When it expires. */
  expires_at: string;
}

/** An emergency access that has not ended. */
export interface OpenEmergencyAccess {
  /** The id of the emergency access. */
  id: number;
  /** The account that has it. */
  account: {
    id: number;
    username: string;
  };
  /** The patient's id. */
  patient: number;
  /** The reason that was given last; `null` if an earlier version of the API granted it. */
  reason: string | null;
  /** When it ends: a UTC timestamp in milliseconds. */
  expires_at: string;
}

/** A new patient. */
export interface NewPatient {
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname?: string | null;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname?: string | null;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among the patients of your account, except for `email_shared`; case is ignored. Null for none: then the patient has a phone number, or is `anonymous`. */
  email?: string | null;
  /** The age in whole years. A new patient has an age of 0 to 120, a `birth_date`, or both if they agree. An age that is sent back as the patient has it changes nothing. It cannot be changed when the birth date is known. */
  age?: number | null;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** The birth date: `1990-05-17`, or `1990-05` or `1990` when the rest is not known. It replaces an age. It is at most tomorrow, and at most 120 years ago. */
  birth_date?: string | null;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared?: boolean;
  /** `true`: the patient may have neither an email nor a phone number nor an identifier, as in an emergency. `false` if it was never set. */
  anonymous?: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones?: string[];
  /** The postal address, or null: `lines` (up to 4 of 100 characters, such as street and house), `city`, `region`, `postal_code`, and `country` (ISO 3166-1 alpha-2: `GB`). A request may leave out each part, but not all; a response has all, null or `[]` for one that is missing. */
  address?: {
    lines?: string[] | null;
    city?: string | null;
    region?: string | null;
    postal_code?: string | null;
    country?: Country | null;
  } | null;
  /** Up to 10 numbers of the patient, each with the name of its identifier system: `{"system": "mrn", "value": "00217"}`. A value has up to 64 characters. It is compared in upper case, without spaces and hyphens; it must match the pattern of its system and have the right check digit, and is unique in its system among the patients of your account. */
  identifiers?: {
    system: string;
    value: string;
  }[];
  /** The ids of patients that this one looks like and that are other people, up to 20. They are not named as duplicates. The history of the patient has them. */
  not_duplicate_of?: number[];
}

/** Changes of a patient. Fields that are left out stay as they are. */
export interface PatientChanges {
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname?: string | null;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname?: string | null;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among the patients of your account, except for `email_shared`; case is ignored. Null for none: then the patient has a phone number, or is `anonymous`. */
  email?: string | null;
  /** The age in whole years. A new patient has an age of 0 to 120, a `birth_date`, or both if they agree. An age that is sent back as the patient has it changes nothing. It cannot be changed when the birth date is known. */
  age?: number | null;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender?: Gender;
  /** The birth date: `1990-05-17`, or `1990-05` or `1990` when the rest is not known. It replaces an age. It is at most tomorrow, and at most 120 years ago. */
  birth_date?: string | null;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared?: boolean;
  /** `true`: the patient may have neither an email nor a phone number nor an identifier, as in an emergency. `false` if it was never set. */
  anonymous?: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones?: string[];
  /** The postal address, or null: `lines` (up to 4 of 100 characters, such as street and house), `city`, `region`, `postal_code`, and `country` (ISO 3166-1 alpha-2: `GB`). A request may leave out each part, but not all; a response has all, null or `[]` for one that is missing. */
  address?: {
    lines?: string[] | null;
    city?: string | null;
    region?: string | null;
    postal_code?: string | null;
    country?: Country | null;
  } | null;
  /** Up to 10 numbers of the patient, each with the name of its identifier system: `{"system": "mrn", "value": "00217"}`. A value has up to 64 characters. It is compared in upper case, without spaces and hyphens; it must match the pattern of its system and have the right check digit, and is unique in its system among the patients of your account. */
  identifiers?: {
    system: string;
    value: string;
  }[];
}

/** A patient. */
export interface Patient {
  /** The record's id. */
  id: number;
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname: string;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname: string;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among the patients of your account, except for `email_shared`; case is ignored. Null for none: then the patient has a phone number, or is `anonymous`. */
  email: string | null;
  /** The lowest possible age today, in whole years, by the birth date or by the age and the day on which it was right. */
  age: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** The birth date, of which the day, or the month and the day, may be missing. Null when only an age is known. */
  birth_date: string | null;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared: boolean;
  /** `true`: the patient may have neither an email nor a phone number nor an identifier, as in an emergency. `false` if it was never set. */
  anonymous: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones: string[];
  /** The postal address, or null: `lines` (up to 4 of 100 characters, such as street and house), `city`, `region`, `postal_code`, and `country` (ISO 3166-1 alpha-2: `GB`). A request may leave out each part, but not all; a response has all, null or `[]` for one that is missing. */
  address: {
    lines: string[];
    city: string | null;
    region: string | null;
    postal_code: string | null;
    country: Country | null;
  } | null;
  /** Up to 10 numbers of the patient, each with the name of its identifier system: `{"system": "mrn", "value": "00217"}`. A value has up to 64 characters. It is compared in upper case, without spaces and hyphens; it must match the pattern of its system and have the right check digit, and is unique in its system among the patients of your account. */
  identifiers: {
    system: string;
    value: string;
  }[];
  /** The id of the account that created it, and owns it until it is transferred. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has. */
  version: number;
  /** The day on which the age was said. Null when the birth date is known. */
  age_as_of: string | null;
}

/** The result of an import, by line number. Lines count from 1, as in an editor. */
export interface Imported {
  /** The lines that were imported, with the ids of the new patients. */
  created: {
    line: number;
    id: number;
  }[];
  /** The lines that were not imported, with the messages and the codes of their fields, in the same order. */
  refused: {
    line: number;
    errors: {
      [k: string]: string[];
    };
    error_codes: {
      [k: string]: FieldErrorCode[];
    };
  }[];
}

/** A change of a patient: of its fields, its owner or its doctors. */
export interface Change {
  /** The event's id. */
  id: number;
  /** When it happened, by the clock of the database: a UTC timestamp in milliseconds. */
  at: string;
  /** The account that did it, with the username that it had at that time; `null` if an operator did it. */
  account: {
    id: number;
    username: string;
  } | null;
  /** What was done or attempted. */
  action: AuditAction;
  /** The value of each changed field before and after; empty if the whole patient was deleted, restored or imported. A merge shows what it changed of the survivor, and `merged_into` in the history of the other patient, when it was undone. */
  changes: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
}

/** An access to a patient, or an attempt. */
export interface Access {
  /** The event's id. */
  id: number;
  /** When it happened, by the clock of the database: a UTC timestamp in milliseconds. */
  at: string;
  /** The account that did it, with the username and the role that it had at that time. `null` if nobody was logged in, or if an operator did it. */
  account: {
    id: number;
    username: string;
    role: Role;
  } | null;
  /** What was done or attempted. */
  action: AuditAction;
  /** The result: `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled. */
  outcome: Outcome;
  /** The client's network address; `null` if an operator did it. */
  address: string | null;
  /** The id of the request, as in the header X-Request-Id; `null` if an operator did it. */
  request_id: string | null;
  /** For a change: the value of each changed field before and after. Left out if no field changed. */
  changes?: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
  /** The clinic in which the account worked. Left out if the request had no session, and in events from before version 1.2. */
  clinic?: number;
  /** The reason that was given, if one was required; or why the request was refused; for a refused login also how many were refused. */
  reason?: string;
  /** The id of the account that was linked to a doctor of this patient, and can read it since. */
  subject?: number;
}

/** An event of the audit log. */
export interface AuditEvent {
  /** The event's id. */
  id: number;
  /** When it happened, by the clock of the database: a UTC timestamp in milliseconds. */
  at: string;
  /** The account that did it, with the username and the role that it had at that time. `null` if nobody was logged in, or if an operator did it. */
  account: {
    id: number;
    username: string;
    role: Role;
  } | null;
  /** What was done or attempted. */
  action: AuditAction;
  /** The result: `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled. */
  outcome: Outcome;
  /** The client's network address; `null` if an operator did it. */
  address: string | null;
  /** The id of the request, as in the header X-Request-Id; `null` if an operator did it. */
  request_id: string | null;
  /** For a change of an account, a doctor or an invitation: the value of each changed field before and after. Left out if no field changed. */
  changes?: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
  /** The clinic in which the account worked. Left out if the request had no session, and in events from before version 1.2. */
  clinic?: number;
  /** The reason that was given, if one was required; or why the request was refused; for a refused login also how many were refused. */
  reason?: string;
  /** For a change of a patient or of an appointment: the names of the changed fields. Their values are in the patient's history, for those who can read the patient. */
  changed_fields?: string[];
  /** The ids of all patients whose data was read or changed; when an account was linked to a doctor, of that doctor's patients at that time. Left out of events about a doctor or an account that are about no patient. */
  patients?: number[];
  /** The id of the doctor that was changed, or whose patients were. */
  doctor?: number;
  /** The id of the account that was changed. */
  subject?: number;
}

/** The digest of a day of the audit log. */
export interface AuditDigest {
  /** The day, in UTC. */
  day: string;
  /** The number of its events. */
  events: number;
  /** The id of its first event. Null on a day without events. */
  first_id: number | null;
  /** The id of its last event. Null on a day without events. */
  last_id: number | null;
  /** The hash of all its events, in hexadecimal. */
  sha256: string;
  /** A signature of the other fields and of the digest of the day before, by a key that the database does not have. */
  hmac: string;
  /** When it was computed. */
  closed_at: string;
}

/** The patient that was restored. */
export interface Restored {
  /** The patient's id. */
  id: number;
  /** The ids of the doctors assigned to it. */
  doctors: number[];
}

/** The patient that another one is merged into, its survivor, and what that one takes from it. */
export interface PatientMerge {
  /** The id of the survivor, another patient of yours. */
  into: number;
  /** The fields that the survivor takes from the merged patient. It keeps all others. `age` and `birth_date` are taken together. */
  take?: (
    | "firstname"
    | "lastname"
    | "email"
    | "age"
    | "gender"
    | "birth_date"
    | "anonymous"
    | "phones"
    | "address"
    | "identifiers"
  )[];
  /** The version of the survivor as you last read it, or its ETag. If it has changed since, the response is 412. */
  if_match?: number | string;
}

/** What an undone merge gave back. */
export interface Unmerged {
  /** The fields of the survivor that are as before the merge, and `assignments` if some came back. */
  restored: (
    | "firstname"
    | "lastname"
    | "email"
    | "age"
    | "gender"
    | "birth_date"
    | "email_shared"
    | "anonymous"
    | "phones"
    | "address"
    | "identifiers"
    | "assignments"
  )[];
  /** What is not as before, and why: `changed` since; the email or an identifier is `in_use` by another patient; an assignment has `ended`; its doctor was deleted (`doctor_deleted`). */
  kept: {
    field:
      | "firstname"
      | "lastname"
      | "email"
      | "age"
      | "gender"
      | "birth_date"
      | "email_shared"
      | "anonymous"
      | "phones"
      | "address"
      | "identifiers"
      | "assignments";
    why: "changed" | "in_use" | "ended" | "doctor_deleted";
  }[];
}

/** The patient that was transferred, with its new owner. */
export interface HandedOver {
  /** The patient's id. */
  id: number;
  /** The id of the clinic that owns it now. A personal clinic has the id of its account. */
  owner: number;
}

/** Whose patients are transferred, or which ones, who gets them, and why. Exactly one of `from` and `patients` is sent. */
export interface AccountTransfer {
  /** The id of an account, active or disabled, for all patients of its personal clinic, or `{"clinic": id}` for all of a clinic. */
  from?:
    | number
    | {
        clinic: number;
      };
  /** The ids of up to 1,000 patients, of one or several clinics. Deleted patients are not transferred. */
  patients?: number[];
  /** The id of an active account, which gets the patients in its personal clinic, or `{"clinic": id}` with the id of an active clinic. */
  to:
    | number
    | {
        clinic: number;
      };
  /** The reason, 10 to 500 characters. It is written to the audit log, where the patient's owner can read it. Admins have to give one; a manager of both clinics may leave it out. */
  reason?: string;
}

/** The result of a transfer of many patients. */
export interface HandedOverAll {
  /** How many patients were transferred. */
  transferred: number;
  /** The ids of the patients that stay, because the receiving clinic has a patient with the same email or identifier, or an earlier one in `patients` has. */
  conflicts: number[];
  /** Whether more patients can be transferred by sending the same request again. */
  more: boolean;
  /** Only when the request has `patients`: the ids of those that you may not transfer, or that do not exist or are deleted. */
  not_found?: number[];
}

/** What was removed of a patient, and what was not. */
export interface Erased {
  /** The id that the patient had. It is never used again. */
  id: number;
  /** How many rows were removed: `patients` with those that were merged into it (0 while `more` is true), their `assignments`, `appointments` and `identifiers`, `merges`, `emergency_accesses` with their reasons, `stored_responses` to requests with an idempotency key, and `audit_changes`, the values of that many audit events. */
  removed: {
    patients: number;
    assignments: number;
    appointments: number;
    identifiers: number;
    merges: number;
    emergency_accesses: number;
    stored_responses: number;
    audit_changes: number;
  };
  /** What still refers to the patient, and why. */
  remained: {
    what: "audit_events" | "reasons" | "idempotency_keys" | "record_changes" | "copies";
    why: string;
  }[];
  /** Whether the audit log has more values. The patient is removed with the last of them: send the same request again. */
  more: boolean;
}

/** Your emergency access to a patient. */
export interface EmergencyAccess {
  /** The patient's id. */
  patient: number;
  /** The reason that you gave. */
  reason: string;
  /** When the access ends: a UTC timestamp in milliseconds. */
  expires_at: string;
}

/** A patient that may be the same person as another one. */
export interface PossibleDuplicate {
  /** The patient. */
  patient: Patient;
  /** What both have in common: `name`, the same names; `exchanged_name`, the same with first and last name exchanged; `first_name`, a word of the first name; `birth`, a possible day of birth; `phone`, a phone number; `email`, the email. */
  why: ("name" | "exchanged_name" | "first_name" | "birth" | "phone" | "email")[];
}

/** A new doctor. */
export interface NewDoctor {
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname?: string | null;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname?: string | null;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among all doctors, except for `email_shared`; case is ignored. Null for none. */
  email?: string | null;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization: Specialization;
  /** The maximum number of appointments per day, 0 to 1000. 10 if it is left out. */
  max_appointments_per_day?: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. `true` if it is left out. */
  active?: boolean;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared?: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones?: string[];
}

/** Changes of a doctor. Fields that are left out stay as they are. */
export interface DoctorChanges {
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname?: string | null;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname?: string | null;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among all doctors, except for `email_shared`; case is ignored. Null for none. */
  email?: string | null;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender?: Gender;
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization?: Specialization;
  /** The maximum number of appointments per day, 0 to 1000. */
  max_appointments_per_day?: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. */
  active?: boolean;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared?: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones?: string[];
}

/** A doctor. */
export interface Doctor {
  /** The record's id. */
  id: number;
  /** The first name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  firstname: string;
  /** The last name, up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then. */
  lastname: string;
  /** The email address, as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC. Unique among all doctors, except for `email_shared`; case is ignored. Null for none. */
  email: string | null;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization: Specialization;
  /** The maximum number of appointments per day, 0 to 1000. */
  max_appointments_per_day: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. */
  active: boolean;
  /** `true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set. */
  email_shared: boolean;
  /** The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none. */
  phones: string[];
  /** The id of the account that created it. It can change the doctor; once others rely on the doctor, only partly. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has. */
  version: number;
}

/** The doctor who gets the patients of another one. */
export interface DoctorReassignment {
  /** The id of another active doctor. */
  to: number;
  /** The ids of up to 1,000 patients. Left out: all patients of the doctor. */
  patients?: number[];
  /** `cancel` cancels the open appointments of these patients with the doctor who leaves. Without it the response is 409 if there are any. */
  appointments?: "cancel";
  /** Why: 10 to 500 characters. Required for admins. It is written to the audit log. */
  reason?: string;
}

/** What became of the assignments of a doctor who leaves. */
export interface Reassignment {
  /** How many patients have the other doctor now. */
  reassigned: number;
  /** How many patients had the other doctor already. The assignment to the first one has ended. */
  already: number;
  /** How many appointments were cancelled. */
  cancelled: number;
  /** Whether there may be more: send the same request again. */
  more: boolean;
}

/** When a doctor works, in a normal week. */
export interface NewSchedule {
  /** The doctor's time zone, by its IANA name, such as `Europe/Berlin`. Offsets such as `+03:00` or `UTC+3` are refused. */
  time_zone: string;
  /** The usual length of an appointment, and the step from one free slot to the next: 5 to 480 minutes. 30 if it is left out. */
  slot_minutes?: number;
  /** The weekly hours, up to 50: `weekday` is 1 (Monday) to 7 (Sunday), `from` and `to` are times in the time zone like `09:00`; `to` is after `from`, and `24:00` at most. `[]` for none. A night is two entries, `22:00` to `24:00` and `00:00` to `06:00` of the next day. Entries that touch or overlap are one. Of an hour that daylight saving doubles, either may be the first; hours that open in one that it skips open at its end. */
  hours: {
    weekday: number;
    from: string;
    to: string;
  }[];
}

/** When a doctor works, in a normal week. */
export interface Schedule {
  /** The id of the doctor. */
  doctor: number;
  /** The doctor's time zone, by its IANA name, as it was sent. */
  time_zone: string;
  /** The usual length of an appointment, and the step from one free slot to the next: 5 to 480 minutes. */
  slot_minutes: number;
  /** The weekly hours, up to 50: `weekday` is 1 (Monday) to 7 (Sunday), `from` and `to` are times in the time zone like `09:00`; `to` is after `from`, and `24:00` at most. `[]` for none. A night is two entries, `22:00` to `24:00` and `00:00` to `06:00` of the next day. Entries that touch or overlap are one. Of an hour that daylight saving doubles, either may be the first; hours that open in one that it skips open at its end. */
  hours: {
    weekday: number;
    from: string;
    to: string;
  }[];
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has. */
  version: number;
}

/** The free slots of a doctor. */
export interface DoctorSlots {
  /** The id of the doctor. */
  doctor: number;
  /** The doctor's time zone. Null if the doctor has no schedule: then there are no slots. */
  time_zone: string | null;
  /** How long the slots are. Null if it was not asked for and the doctor has no schedule. */
  minutes: number | null;
  /** The slots, in order of time: `starts_at` and `ends_at` are UTC timestamps in milliseconds, `day` is the date of `starts_at` in the time zone. */
  slots: {
    starts_at: string;
    ends_at: string;
    day: string;
  }[];
}

/** The first free slots of a doctor. */
export interface EarliestSlots {
  /** The id of the doctor. */
  doctor: number;
  /** The doctor's time zone. */
  time_zone: string;
  /** Up to three slots, in order of time, as in the slots of one doctor. */
  slots: {
    starts_at: string;
    ends_at: string;
    day: string;
  }[];
}

/** A time in which the doctor does not work. */
export interface NewAbsence {
  /** When the absence begins: a time with its offset from UTC. */
  starts_at: string;
  /** When it ends: after `starts_at`, at most 366 days later. */
  ends_at: string;
  /** What becomes of appointments that are booked in this time: `refuse` (409 if there are any), `keep` or `cancel`. `refuse` if it is left out. */
  existing?: "refuse" | "keep" | "cancel";
}

/** A time in which a doctor does not work. */
export interface Absence {
  /** The absence's id. */
  id: number;
  /** The id of the doctor. */
  doctor: number;
  /** When the absence begins: a time with its offset from UTC. */
  starts_at: string;
  /** When it ends: after `starts_at`, at most 366 days later. */
  ends_at: string;
  /** The id of the account that created it. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
}

/** A new shared clinic. */
export interface NewClinic {
  /** The name, 1 to 150 characters. It need not be unique. */
  name: string;
  /** The time zone whose date decides the ages of patients, by its IANA name, such as `Europe/Berlin`. The one of the API if it is left out. */
  time_zone?: string;
  /** The id of the account that manages the clinic: an active one that is no auditor, and not your own. If it is left out, you are the manager until another one is named; your membership ends then. */
  manager?: number;
}

/** Changes of a clinic. Fields that are left out stay as they are. */
export interface ClinicChanges {
  /** The name, 1 to 150 characters. It need not be unique. */
  name?: string;
  /** The time zone whose date decides the ages of patients, by its IANA name, as it was sent. For a clinic that has none it is that of the API. */
  time_zone?: string;
  /** Whether anybody can work in the clinic. Sessions that work in one that is not active are refused. A personal clinic is always active. */
  active?: boolean;
}

/** A clinic. */
export interface Clinic {
  /** The clinic's id. That of a personal clinic is the account's. */
  id: number;
  /** The name, 1 to 150 characters. It need not be unique. */
  name: string;
  /** `personal`: the clinic of one account; `shared`: several accounts can work in it. */
  kind: "personal" | "shared";
  /** The time zone whose date decides the ages of patients, by its IANA name, as it was sent. For a clinic that has none it is that of the API. */
  time_zone: string;
  /** Whether anybody can work in the clinic. Sessions that work in one that is not active are refused. A personal clinic is always active. */
  active: boolean;
  /** Your role in the clinic. Null for an admin who is no member. */
  role: ("reader" | "clerk" | "clinician" | "manager") | null;
  /** When it was created. */
  created_at: string;
  /** When it was last changed. */
  updated_at: string;
}

/** A new member of a clinic, named by exactly one of `account` and `username`. */
export interface NewMember {
  /** The id of the account: an active one that is no auditor. */
  account?: number;
  /** The username of the account; case is ignored. */
  username?: string;
  /** What the member may do in the clinic: `reader`, `clerk`, `clinician` or `manager`; each may do what those before it may. */
  role: "reader" | "clerk" | "clinician" | "manager";
}

/** Another role of a member. */
export interface MemberChanges {
  /** What the member may do in the clinic: `reader`, `clerk`, `clinician` or `manager`; each may do what those before it may. */
  role?: "reader" | "clerk" | "clinician" | "manager";
}

/** A member of a clinic. */
export interface Member {
  /** The id of the member's account. */
  account: number;
  /** The username of the account. */
  username: string;
  /** What the member may do in the clinic: `reader`, `clerk`, `clinician` or `manager`; each may do what those before it may. */
  role: "reader" | "clerk" | "clinician" | "manager";
  /** When the account was added; for one that was added again, the last time. */
  created_at: string;
}

/** A new identifier system. */
export interface NewIdentifierSystem {
  /** The name that identifiers refer to, 1 to 32 lower-case letters, digits and hyphens. It is unique. */
  name: string;
  /** What the system is called elsewhere, such as in FHIR: an absolute URI. Null if there is none. */
  uri?: string | null;
  /** What a value looks like in upper case, without spaces and hyphens: a sequence of `\d`, `[A-Z]`, `[A-Z0-9]` and literals (A to Z, 0 to 9, `/` `:` `_` `#` and `\.`), each with an optional `{n}` or `{n,m}`. It applies to the whole value, and matches at most 64 characters. Null if any value is valid. When it changes, values that patients have already stay valid until they change. */
  pattern?: string | null;
  /** How the check digits of a value are computed: `none`; `mod10` by Luhn's algorithm; `mod11` over ten places with the weights 10 to 1, where X is 10; `mod97` by ISO 7064 MOD 97-10. `none` if it is left out. */
  check_digit?: "none" | "mod10" | "mod11" | "mod97";
}

/** Changes of an identifier system. Fields that are left out stay as they are. */
export interface IdentifierSystemChanges {
  /** The name that identifiers refer to, 1 to 32 lower-case letters, digits and hyphens. It is unique. */
  name?: string;
  /** What the system is called elsewhere, such as in FHIR: an absolute URI. Null if there is none. */
  uri?: string | null;
  /** What a value looks like in upper case, without spaces and hyphens: a sequence of `\d`, `[A-Z]`, `[A-Z0-9]` and literals (A to Z, 0 to 9, `/` `:` `_` `#` and `\.`), each with an optional `{n}` or `{n,m}`. It applies to the whole value, and matches at most 64 characters. Null if any value is valid. When it changes, values that patients have already stay valid until they change. */
  pattern?: string | null;
  /** How the check digits of a value are computed: `none`; `mod10` by Luhn's algorithm; `mod11` over ten places with the weights 10 to 1, where X is 10; `mod97` by ISO 7064 MOD 97-10. */
  check_digit?: "none" | "mod10" | "mod11" | "mod97";
}

/** An identifier system. */
export interface IdentifierSystem {
  /** The record's id. */
  id: number;
  /** The name that identifiers refer to, 1 to 32 lower-case letters, digits and hyphens. It is unique. */
  name: string;
  /** What the system is called elsewhere, such as in FHIR: an absolute URI. Null if there is none. */
  uri: string | null;
  /** What a value looks like in upper case, without spaces and hyphens: a sequence of `\d`, `[A-Z]`, `[A-Z0-9]` and literals (A to Z, 0 to 9, `/` `:` `_` `#` and `\.`), each with an optional `{n}` or `{n,m}`. It applies to the whole value, and matches at most 64 characters. Null if any value is valid. When it changes, values that patients have already stay valid until they change. */
  pattern: string | null;
  /** How the check digits of a value are computed: `none`; `mod10` by Luhn's algorithm; `mod11` over ten places with the weights 10 to 1, where X is 10; `mod97` by ISO 7064 MOD 97-10. */
  check_digit: "none" | "mod10" | "mod11" | "mod97";
  /** The id of the account that created it. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has. */
  version: number;
}

/** A doctor to assign to a patient. */
export interface NewAssignment {
  /** The id of one of your patients. */
  patient: number;
  /** The id of a doctor. */
  doctor: number;
  /** What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor. `attending` if it is left out. */
  role?: AssignmentRole;
  /** Whether the doctor is the patient's primary one. A patient has at most one: when another assignment becomes primary, this one is not any more. `false` if it is left out. */
  primary?: boolean;
}

/** Changes of an assignment. Fields that are left out stay as they are. */
export interface AssignmentChanges {
  /** What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor. */
  role?: AssignmentRole;
  /** Whether the doctor is the patient's primary one. A patient has at most one: when another assignment becomes primary, this one is not any more. */
  primary?: boolean;
}

/** The assignment that was created or changed. */
export interface Assignment {
  /** The assignment's id. */
  id: number;
  /** The patient's id. */
  patient: number;
  /** The doctor's id. */
  doctor: number;
  /** When the doctor was assigned: a UTC timestamp in milliseconds. */
  assigned_at: string;
  /** What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor. */
  role: AssignmentRole;
  /** Whether the doctor is the patient's primary one. A patient has at most one: when another assignment becomes primary, this one is not any more. */
  primary: boolean;
  /** When it ended: a UTC timestamp in milliseconds. Null for a current one. */
  ended_at: string | null;
  /** The id of the account that has ended it. Null for a current one. */
  ended_by: number | null;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the assignment only if nobody else has. */
  version: number;
}

/** An appointment to book. */
export interface NewAppointment {
  /** The id of one of your patients. */
  patient: number;
  /** The id of a doctor who is assigned to the patient. */
  doctor: number;
  /** When it starts: a time with its offset, on a whole minute, not before the current one and at most 366 days ahead. It need not be one of the doctor's slots. */
  starts_at: string;
  /** How long it lasts, in minutes. The length of the doctor's slots if it is left out. */
  minutes?: number;
  /** A note, up to 500 characters. Null for none. */
  note?: string | null;
  /** Why it is booked although the day is full, the doctor absent, or the time outside the hours: 10 to 500 characters. Only managers of the patient's clinic and the doctor's own account may send it. It holds for this request. It is written to the audit log and stays there, also when the patient is erased: do not name the patient. */
  override_reason?: string | null;
}

/** Changes of an appointment: either a move (`starts_at`, `minutes`, `doctor`, `override_reason`), or a `status`. A `note` may come with either, or alone. Fields that are left out stay as they are. */
export interface AppointmentChanges {
  /** When it starts: a time with its offset, on a whole minute, not before the current one and at most 366 days ahead. */
  starts_at?: string;
  /** How long it lasts, in minutes. It keeps its length if this is left out. */
  minutes?: number;
  /** The id of another doctor who is assigned to the patient. */
  doctor?: number;
  /** Why it is booked although the day is full, the doctor absent, or the time outside the hours: 10 to 500 characters. Only managers of the patient's clinic and the doctor's own account may send it. It holds for this request. It is written to the audit log and stays there, also when the patient is erased: do not name the patient. A move without it removes the one from before. */
  override_reason?: string | null;
  /** `booked`; `arrived`: the patient is here; `fulfilled`: it has taken place; `cancelled`; `no_show`: the patient did not come. All but `cancelled` hold their time, and count against the doctor's day. */
  status?: AppointmentStatus;
  /** Only with the status `cancelled`: why, up to 200 characters. */
  cancel_reason?: string | null;
  /** A note, up to 500 characters. Null for none. */
  note?: string | null;
}

/** An appointment. */
export interface Appointment {
  /** The appointment's id. */
  id: number;
  /** The patient's id. */
  patient: number;
  /** The doctor's id. */
  doctor: number;
  /** When it starts: a UTC timestamp. */
  starts_at: string;
  /** When it ends: a UTC timestamp. */
  ends_at: string;
  /** The date of `starts_at` in `time_zone`. The doctor's appointments of a day are counted by it. */
  day: string;
  /** The doctor's time zone when it was booked or moved. */
  time_zone: string;
  /** `booked`; `arrived`: the patient is here; `fulfilled`: it has taken place; `cancelled`; `no_show`: the patient did not come. All but `cancelled` hold their time, and count against the doctor's day. */
  status: AppointmentStatus;
  /** A note, up to 500 characters. Null for none. */
  note: string | null;
  /** Why it was cancelled, up to 200 characters. Null for none. */
  cancel_reason: string | null;
  /** Why it was booked or moved although the day was full, the doctor absent, or the time outside the hours. Null for none. */
  override_reason: string | null;
  /** The id of the account that created it. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has. */
  version: number;
}

/** Some fields of a patient. */
export interface PatientSummary {
  /** The patient's id. */
  id: number;
  /** The first name. */
  firstname: string;
  /** The last name. */
  lastname: string;
  /** The age in whole years. */
  age: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** The id of the account that created it. */
  created_by: number;
}

/** Some fields of a doctor. */
export interface DoctorSummary {
  /** The doctor's id. */
  id: number;
  /** The first name. */
  firstname: string;
  /** The last name. */
  lastname: string;
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization: Specialization;
  /** The maximum number of appointments per day. */
  max_appointments_per_day: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: Gender;
  /** Whether the doctor takes new patients. */
  active: boolean;
}

/** An assignment, with its patient and its doctor. */
export interface ListedAssignment {
  /** The assignment's id. */
  id: number;
  /** The patient. */
  patient: PatientSummary;
  /** The doctor. Null when the doctor was deleted, after the assignment had ended. */
  doctor: DoctorSummary | null;
  /** When the doctor was assigned: a UTC timestamp in milliseconds. */
  assigned_at: string;
  /** What the doctor does for the patient: `attending` treats the patient, `consulting` is asked for advice, `covering` stands in for another doctor. */
  role: AssignmentRole;
  /** Whether the doctor is the patient's primary one. A patient has at most one: when another assignment becomes primary, this one is not any more. */
  primary: boolean;
  /** When it ended: a UTC timestamp in milliseconds. Null for a current one. */
  ended_at: string | null;
  /** The id of the account that has ended it. Null for a current one. */
  ended_by: number | null;
  /** The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the assignment only if nobody else has. */
  version: number;
  /** Only of an ended assignment: the doctor's first and last name when it ended. It stays when the doctor is deleted. */
  doctor_name?: string;
}

/** A patient with the doctors assigned to it. */
export interface DoctorsOfPatient {
  /** The patient's id. */
  patient_id: number;
  /** The patient's first and last name. */
  patient: string;
  /** The assigned doctors, sorted by id. */
  doctors: DoctorSummary[];
}

/** A new calendar feed. */
export interface NewCalendarFeed {
  /** The name of the calendar, 1 to 100 characters. Programs show it. */
  label: string;
  /** The id of the doctor whose own account you are. Without it, the calendar has the appointments of the clinic in which you work. */
  doctor?: number;
}

/** A calendar feed that works. */
export interface CalendarFeed {
  /** The feed's id. */
  id: number;
  /** The name of the calendar, 1 to 100 characters. Programs show it. */
  label: string;
  /** The id of your doctor, whose appointments the calendar has; null for those of the clinic. */
  doctor: number | null;
  /** The id of the clinic in which you created it. The feed ends with your membership there. */
  clinic: number;
  /** When it was created. */
  created_at: string;
  /** When its calendar was last read, to the hour; null if it never was. */
  last_used_at: string | null;
}

/** The calendar feed that was created, with its address. */
export interface IssuedCalendarFeed {
  /** The feed's id. */
  id: number;
  /** The name of the calendar, 1 to 100 characters. Programs show it. */
  label: string;
  /** The id of your doctor, whose appointments the calendar has; null for those of the clinic. */
  doctor: number | null;
  /** The id of the clinic in which you created it. The feed ends with your membership there. */
  clinic: number;
  /** When it was created. */
  created_at: string;
  /** When its calendar was last read, to the hour; null if it never was. */
  last_used_at: string | null;
  /** The address to subscribe to. It is shown only now and cannot be read later. Everybody who has it can read the calendar. */
  url: string;
}

/** A record that was created or changed, came to you, or left you. */
export interface RecordChange {
  /** `patient`, `doctor`, `assignment` or `appointment`. */
  kind: "patient" | "doctor" | "assignment" | "appointment";
  /** The id of the record. */
  id: number;
  /** The version that the record has now; of a deleted one, when it left you. */
  version: number;
  /** `true`: the record is not in your lists any more, because it was deleted, transferred, merged or unassigned. Otherwise the field is missing: read the record. */
  deleted?: true;
  /** Of a merged patient, the id of the one that it is part of now, if you can read that one. */
  merged_into?: number;
}

/** The next changes. */
export interface ChangePage {
  /** At most 500, in order: of two entries for a record the later one counts. Empty when there is nothing new. */
  changes: RecordChange[];
  /** The value of `since` for the next request. It is valid for 90 days. */
  cursor: string;
}
