// Generated from the schemas of src/ by client/generate-types.ts: do not edit; `npm run client:types` writes it anew.

/** A new account. */
export interface Registration {
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address. */
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
}

/** The account that was created. */
export interface NewAccount {
  /** The account's id. */
  id: number;
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address. */
  email: string;
}

/** An account. */
export interface Account {
  /** The account's id. */
  id: number;
  /** The username: ASCII letters, digits and `@` `.` `+` `-` `_`. Unique; case is ignored. */
  username: string;
  /** The account's email address. */
  email: string;
  /** A `clinician` can change the records of the account; an `admin` can also change all doctors; an `auditor` can read the audit log and accounts, and nothing else. */
  role: "clinician" | "admin" | "auditor";
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
  /** The account's email address. */
  email: string;
  /** `clinician`, `admin` or `auditor`. */
  role: "clinician" | "admin" | "auditor";
  /** Whether the account can log in. A disabled account has no sessions. */
  active: boolean;
  /** The id of the doctor whose own account this is: the account can read that doctor's patients. Null for most accounts. */
  doctor: number | null;
  /** When it was created. */
  created_at: string;
}

/** Changes of an account. Fields that are left out stay as they are. */
export interface AccountChanges {
  /** `clinician`, `admin` or `auditor`. */
  role?: "clinician" | "admin" | "auditor";
  /** Whether the account can log in. A disabled account has no sessions. */
  active?: boolean;
  /** The id of the doctor whose own account this is: the account can read that doctor's patients. Null for most accounts. */
  doctor?: number | null;
  /** Why the account is linked to a doctor, 10 to 500 characters; required when `doctor` is set to a doctor. It is written to the audit log, where the owners of the doctor's patients can read it. */
  reason?: string;
}

/** A new invitation. */
export interface NewInvitation {
  /** The email address that the account will have. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: "clinician" | "admin" | "auditor";
}

/** The invitation that was created, with its code. */
export interface IssuedInvitation {
  /** The invitation's id. */
  id: number;
  /** The email address that the account will have. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: "clinician" | "admin" | "auditor";
  /** The value of `invitation` when registering. It is shown only now and cannot be read later. */
  code: string;
  /** When it expires: seven days after it was created. */
  expires_at: string;
}

/** An invitation that has not been used. */
export interface Invitation {
  /** The invitation's id. */
  id: number;
  /** The email address that the account will have. */
  email: string;
  /** The role that the account will have: `clinician`, `admin` or `auditor`. */
  role: "clinician" | "admin" | "auditor";
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
  /** The admin's account. */
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
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname: string;
  /** The email address. Unique among the patients of your account; case is ignored. */
  email: string;
  /** The age in whole years, 0 to 120. */
  age: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: "M" | "F" | "O" | "U";
}

/** Changes of a patient. Fields that are left out stay as they are. */
export interface PatientChanges {
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname?: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname?: string;
  /** The email address. Unique among the patients of your account; case is ignored. */
  email?: string;
  /** The age in whole years, 0 to 120. */
  age?: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender?: "M" | "F" | "O" | "U";
}

/** A patient. */
export interface Patient {
  /** The record's id. */
  id: number;
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname: string;
  /** The email address. Unique among the patients of your account; case is ignored. */
  email: string;
  /** The age in whole years, 0 to 120. */
  age: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: "M" | "F" | "O" | "U";
  /** The id of the account that created it, and owns it until it is transferred. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
}

/** The result of an import, by line number. Lines count from 1, as in an editor. */
export interface Imported {
  /** The lines that were imported, with the ids of the new patients. */
  created: {
    line: number;
    id: number;
  }[];
  /** The lines that were not imported, with the errors of their fields. */
  refused: {
    line: number;
    errors: {
      [k: string]: string[];
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
  /** What was done or attempted: `list`, `read`, `create`, `replay` (the response to an idempotency key was sent again), `update`, `delete`, `restore`, `transfer`, `break_glass` (emergency access), `list_emergency_accesses`, `assign`, `unassign`, `export`, `import`, `history`, `accesses`, `audit`, `list_audit_digests`, `probing` (the account asked for more than 100 patients in an hour that are not there for it), `register`, `login`, `logout`, `refresh` (refused), `repeat_refresh` (a used refresh token was exchanged again), `change_password`, `invite`, `list_invitations`, `withdraw_invitation`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `auditor`, `disable`, `enable`, `sign-out`. */
  action: string;
  /** The value of each changed field before and after; empty if the whole patient was deleted, restored or imported. */
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
    role: "clinician" | "admin" | "auditor";
  } | null;
  /** What was done or attempted: `list`, `read`, `create`, `replay` (the response to an idempotency key was sent again), `update`, `delete`, `restore`, `transfer`, `break_glass` (emergency access), `list_emergency_accesses`, `assign`, `unassign`, `export`, `import`, `history`, `accesses`, `audit`, `list_audit_digests`, `probing` (the account asked for more than 100 patients in an hour that are not there for it), `register`, `login`, `logout`, `refresh` (refused), `repeat_refresh` (a used refresh token was exchanged again), `change_password`, `invite`, `list_invitations`, `withdraw_invitation`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `auditor`, `disable`, `enable`, `sign-out`. */
  action: string;
  /** The result: `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled. */
  outcome: "done" | "not_found" | "refused";
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
    role: "clinician" | "admin" | "auditor";
  } | null;
  /** What was done or attempted: `list`, `read`, `create`, `replay` (the response to an idempotency key was sent again), `update`, `delete`, `restore`, `transfer`, `break_glass` (emergency access), `list_emergency_accesses`, `assign`, `unassign`, `export`, `import`, `history`, `accesses`, `audit`, `list_audit_digests`, `probing` (the account asked for more than 100 patients in an hour that are not there for it), `register`, `login`, `logout`, `refresh` (refused), `repeat_refresh` (a used refresh token was exchanged again), `change_password`, `invite`, `list_invitations`, `withdraw_invitation`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `auditor`, `disable`, `enable`, `sign-out`. */
  action: string;
  /** The result: `done`; `not_found` if the record does not exist for this account; `refused` if the account lacks the permission, or the request could not be fulfilled. */
  outcome: "done" | "not_found" | "refused";
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
  /** The reason that was given, if one was required; or why the request was refused; for a refused login also how many were refused. */
  reason?: string;
  /** For a change of a patient: the names of the changed fields. Their values are in the patient's history, for those who can read the patient. */
  changed_fields?: string[];
  /** The ids of all patients whose data was read or changed; when an account was linked to a doctor, of that doctor's patients at that time. Left out of other events about a doctor or an account. */
  patients?: number[];
  /** The id of the doctor that was changed. */
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

/** The patient that was transferred, with its new owner. */
export interface HandedOver {
  /** The patient's id. */
  id: number;
  /** The id of the account that owns it now. */
  owner: number;
}

/** The account whose patients are transferred, the account that gets them, and why. */
export interface AccountTransfer {
  /** The id of an account, active or disabled. */
  from: number;
  /** The id of another, active account. */
  to: number;
  /** The reason, 10 to 500 characters. It is written to the audit log, where the patient's owner can read it. */
  reason: string;
}

/** The result of a transfer of many patients. */
export interface HandedOverAll {
  /** How many patients were transferred. */
  transferred: number;
  /** The ids of the patients that stay, because the other account has a patient with the same email. */
  conflicts: number[];
  /** Whether more patients can be transferred by sending the same request again. */
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

/** A new doctor. */
export interface NewDoctor {
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname: string;
  /** The email address. Unique among all doctors; case is ignored. */
  email: string;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: "M" | "F" | "O" | "U";
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  /** The maximum number of appointments per day, 0 to 1000. */
  max_appointments_per_day?: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. */
  active?: boolean;
}

/** Changes of a doctor. Fields that are left out stay as they are. */
export interface DoctorChanges {
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname?: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname?: string;
  /** The email address. Unique among all doctors; case is ignored. */
  email?: string;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender?: "M" | "F" | "O" | "U";
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization?: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  /** The maximum number of appointments per day, 0 to 1000. */
  max_appointments_per_day?: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. */
  active?: boolean;
}

/** A doctor. */
export interface Doctor {
  /** The record's id. */
  id: number;
  /** The first name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  firstname: string;
  /** The last name, 1 to 64 characters, without zero-width or bidirectional control characters. */
  lastname: string;
  /** The email address. Unique among all doctors; case is ignored. */
  email: string;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: "M" | "F" | "O" | "U";
  /** `CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine. */
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  /** The maximum number of appointments per day, 0 to 1000. */
  max_appointments_per_day: number;
  /** Whether the doctor takes new patients. `false` for a retired doctor, whose existing assignments stay. */
  active: boolean;
  /** The id of the account that created it. It can change the doctor; once others rely on the doctor, only partly. */
  created_by: number;
  /** When it was created: a UTC timestamp in milliseconds. */
  created_at: string;
  /** When it was last changed: a UTC timestamp in milliseconds. */
  updated_at: string;
}

/** A doctor to assign to a patient. */
export interface NewAssignment {
  /** The id of one of your patients. */
  patient: number;
  /** The id of a doctor. */
  doctor: number;
}

/** The assignment that was created. */
export interface Assignment {
  /** The assignment's id. */
  id: number;
  /** The patient's id. */
  patient: number;
  /** The doctor's id. */
  doctor: number;
  /** When the doctor was assigned: a UTC timestamp in milliseconds. */
  assigned_at: string;
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
  gender: "M" | "F" | "O" | "U";
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
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  /** The maximum number of appointments per day. */
  max_appointments_per_day: number;
  /** `M` male, `F` female, `O` other, `U` unknown. */
  gender: "M" | "F" | "O" | "U";
  /** Whether the doctor takes new patients. */
  active: boolean;
}

/** An assignment, with its patient and its doctor. */
export interface ListedAssignment {
  /** The assignment's id. */
  id: number;
  /** The patient. */
  patient: PatientSummary;
  /** The doctor. */
  doctor: DoctorSummary;
  /** When the doctor was assigned: a UTC timestamp in milliseconds. */
  assigned_at: string;
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
