// Generated from the schemas of src/ by client/generate-types.ts: do not edit; `npm run client:types` writes it anew.

export type FieldErrorCode =
  | "required"
  | "invalid_type"
  | "invalid_value"
  | "invalid_format"
  | "invalid_email"
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
  | "invalid_json"
  | "invalid_csv"
  | "duplicate_key"
  | "wrong_cell_count"
  | "missing_header"
  | "unknown_column"
  | "missing_column"
  | "duplicate_column";

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
  | "invalid_credentials"
  | "refresh_token_invalid"
  | "password_change_required"
  | "auditor_read_only"
  | "admin_required"
  | "admin_or_auditor_required"
  | "own_account"
  | "not_patient_owner"
  | "not_doctor_creator"
  | "doctor_relied_on"
  | "registration_closed"
  | "no_such_route"
  | "not_found"
  | "method_not_allowed"
  | "not_acceptable"
  | "write_conflict"
  | "email_taken"
  | "receiver_has_email"
  | "username_taken"
  | "already_assigned"
  | "doctor_has_patients"
  | "doctor_deleted"
  | "last_admin"
  | "invitation_unusable"
  | "replay_unreadable"
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

export interface Registration {
  username: string;
  email: string;
  password: string;
  invitation?: string;
}

export interface Credentials {
  username: string;
  password: string;
}

export interface NewAccount {
  id: number;
  username: string;
  email: string;
}

export interface Account {
  id: number;
  username: string;
  email: string;
  role: "clinician" | "admin" | "auditor";
}

export interface TokenPair {
  access: string;
  refresh: string;
  token_type: "Bearer";
  expires_in: number;
  must_change_password?: true;
}

export interface PasswordChange {
  current: string;
  new: string;
}

export interface OwnAccountChange {
  email: string;
  password: string;
  username?: string;
  role?: "clinician" | "admin" | "auditor";
}

export interface Session {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  user_agent: string | null;
  last_address: string | null;
  last_user_agent: string | null;
  current: boolean;
}

export interface AccountDetails {
  id: number;
  username: string;
  email: string;
  role: "clinician" | "admin" | "auditor";
  active: boolean;
  doctor: number | null;
  created_at: string;
}

export interface AccountChanges {
  email?: string;
  role?: "clinician" | "admin" | "auditor";
  active?: boolean;
  doctor?: number | null;
  username?: string;
  reason?: string;
}

export interface NewInvitation {
  email: string;
  role: "clinician" | "admin" | "auditor";
}

export interface IssuedInvitation {
  id: number;
  email: string;
  role: "clinician" | "admin" | "auditor";
  code: string;
  expires_at: string;
}

export interface Invitation {
  id: number;
  email: string;
  role: "clinician" | "admin" | "auditor";
  created_by: number | null;
  created_at: string;
  expires_at: string;
}

export interface OpenEmergencyAccess {
  id: number;
  account: {
    id: number;
    username: string;
  };
  patient: number;
  reason: string | null;
  expires_at: string;
}

export interface NewPatient {
  firstname: string;
  lastname: string;
  email: string;
  age: number;
  gender: "M" | "F" | "O" | "U";
}

export interface PatientChanges {
  firstname?: string;
  lastname?: string;
  email?: string;
  age?: number;
  gender?: "M" | "F" | "O" | "U";
}

export interface Patient {
  id: number;
  firstname: string;
  lastname: string;
  email: string;
  age: number;
  gender: "M" | "F" | "O" | "U";
  created_by: number;
  created_at: string;
  updated_at: string;
}

export interface Imported {
  created: {
    line: number;
    id: number;
  }[];
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

export interface Change {
  id: number;
  at: string;
  account: {
    id: number;
    username: string;
  } | null;
  action: string;
  changes: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
}

export interface Access {
  id: number;
  at: string;
  account: {
    id: number;
    username: string;
    role: "clinician" | "admin" | "auditor";
  } | null;
  action: string;
  outcome: "done" | "not_found" | "refused";
  address: string | null;
  request_id: string | null;
  changes?: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
  reason?: string;
  subject?: number;
}

export interface AuditEvent {
  id: number;
  at: string;
  account: {
    id: number;
    username: string;
    role: "clinician" | "admin" | "auditor";
  } | null;
  action: string;
  outcome: "done" | "not_found" | "refused";
  address: string | null;
  request_id: string | null;
  changes?: {
    [k: string]: {
      before: unknown;
      after: unknown;
    };
  };
  reason?: string;
  changed_fields?: string[];
  patients?: number[];
  doctor?: number;
  subject?: number;
}

export interface AuditDigest {
  day: string;
  events: number;
  first_id: number | null;
  last_id: number | null;
  sha256: string;
  hmac: string;
  closed_at: string;
}

export interface Restored {
  id: number;
  doctors: number[];
}

export interface HandedOver {
  id: number;
  owner: number;
}

export interface AccountTransfer {
  from: number;
  to: number;
  reason: string;
}

export interface HandedOverAll {
  transferred: number;
  conflicts: number[];
  more: boolean;
}

export interface EmergencyAccess {
  patient: number;
  reason: string;
  expires_at: string;
}

export interface NewDoctor {
  firstname: string;
  lastname: string;
  email: string;
  gender: "M" | "F" | "O" | "U";
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  max_appointments_per_day?: number;
  active?: boolean;
}

export interface DoctorChanges {
  firstname?: string;
  lastname?: string;
  email?: string;
  gender?: "M" | "F" | "O" | "U";
  specialization?: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  max_appointments_per_day?: number;
  active?: boolean;
}

export interface Doctor {
  id: number;
  firstname: string;
  lastname: string;
  email: string;
  gender: "M" | "F" | "O" | "U";
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  max_appointments_per_day: number;
  active: boolean;
  created_by: number;
  created_at: string;
  updated_at: string;
}

export interface NewAssignment {
  patient: number;
  doctor: number;
}

export interface Assignment {
  id: number;
  patient: number;
  doctor: number;
  assigned_at: string;
}

export interface PatientSummary {
  id: number;
  firstname: string;
  lastname: string;
  age: number;
  gender: "M" | "F" | "O" | "U";
  created_by: number;
}

export interface DoctorSummary {
  id: number;
  firstname: string;
  lastname: string;
  specialization: "CARD" | "DERM" | "NEUR" | "ORTH" | "PED" | "GEN";
  max_appointments_per_day: number;
  gender: "M" | "F" | "O" | "U";
  active: boolean;
}

export interface ListedAssignment {
  id: number;
  patient: PatientSummary;
  doctor: DoctorSummary;
  assigned_at: string;
}

export interface DoctorsOfPatient {
  patient_id: number;
  patient: string;
  doctors: DoctorSummary[];
}
