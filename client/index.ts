import { accountMethods } from "./accounts.ts";
import { appointmentMethods } from "./appointments.ts";
import { assignmentMethods } from "./assignments.ts";
import { authMethods, exchangeRefreshToken } from "./auth.ts";
import { calendarFeedMethods } from "./calendar-feeds.ts";
import { listChanges } from "./changes.ts";
import { clinicMethods } from "./clinics.ts";
import { duplicateMethods } from "./duplicates.ts";
import type { Hooks } from "./hooks.ts";
import { identifierSystemMethods } from "./identifier-systems.ts";
import { importExportMethods } from "./import-export.ts";
import { list } from "./list.ts";
import { ownershipMethods } from "./ownership.ts";
import type { DoctorQuery, EventQuery, Paged, PatientQuery } from "./queries.ts";
import { recordMethods } from "./records.ts";
import { type CallOptions, createSend, withSession } from "./request.ts";
import { readJson } from "./response.ts";
import type { RetryOptions } from "./retry.ts";
import { scheduleMethods, slotMethods } from "./schedules.ts";
import { createSession, type SessionOptions } from "./session.ts";
import type { Tokens } from "./tokens.ts";
import type {
  AuditDigest,
  AuditEvent,
  Doctor,
  DoctorChanges,
  DoctorReassignment,
  NewDoctor,
  NewPatient,
  Patient,
  PatientChanges,
  Reassignment,
} from "./types.ts";
import { apiUrl, pathId } from "./url.ts";

export type { AccountQuery, Accounts, EmergencyAccesses, Invitations, Sessions } from "./accounts.ts";
export type { Appointments } from "./appointments.ts";
export type { Assignments, CurrentAssignment } from "./assignments.ts";
export type { Auth } from "./auth.ts";
export type { CalendarFeeds } from "./calendar-feeds.ts";
export type { Changes } from "./changes.ts";
export type { Clinics, Members } from "./clinics.ts";
export type { CreatePatientOptions, Duplicates } from "./duplicates.ts";
export { etagOf } from "./etag.ts";
export type { Hooks, IncomingResponse, OutgoingRequest } from "./hooks.ts";
export type { IdentifierSystemQuery, IdentifierSystems } from "./identifier-systems.ts";
export type { ExportOptions, Format, ImportData, ImportExport, ImportOptions } from "./import-export.ts";
export type { List } from "./list.ts";
export type { Ownership } from "./ownership.ts";
export { ProblemError } from "./problem.ts";
export type * from "./queries.ts";
export type { ChangeOptions, CreateOptions, GetOptions, PutOptions, Records } from "./records.ts";
export type { CallOptions } from "./request.ts";
export type { RetryOptions } from "./retry.ts";
export type { DoctorSchedules, Slot } from "./schedules.ts";
export type { SessionOptions } from "./session.ts";
export type { Tokens } from "./tokens.ts";
export type * from "./types.ts";

/** How a client reaches the API, keeps its session, and retries. The hooks are called for every request. */
export interface ClientOptions extends SessionOptions, Hooks {
  /**
   * The API's URL, such as `https://hospital-api.example.workers.dev`; with a path if the API is not at the root. It may
   * be `http:` only for localhost, 127.0.0.1 and [::1].
   */
  url: string | URL;
  /** How often calls that are safe to repeat are sent, and how long that may take. */
  retry?: RetryOptions | undefined;
  /** Sends the requests; the platform's `fetch` by default. */
  fetch?: typeof fetch | undefined;
}

/**
 * The methods of the API. Each throws a `ProblemError` when it fails, or the reason of its `signal` when that aborts; a
 * `TypeError` for an id that is not a positive integer; and what a hook of yours throws.
 */
export type Client = ReturnType<typeof createClient>;

/**
 * Creates a client for the API at `url`. It has a session when it gets `tokens` or `loadTokens`, or after `login`.
 * Nothing is sent yet.
 *
 * @throws {TypeError} when `url` is neither `https:` nor this machine.
 */
export function createClient({ url, retry, onRequest, onResponse, ...options }: ClientOptions) {
  // Wrapped: browsers throw when their fetch is called as a method of another object.
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const base = apiUrl(url);
  const sendWithoutSession = createSend({ base, fetch, retry, hooks: { onRequest, onResponse } });
  const session = createSession(
    { ...options, lockName: options.lockName ?? `hospital-api ${base}` },
    (token) => exchangeRefreshToken(sendWithoutSession, token, retry),
  );
  const send = withSession(sendWithoutSession, session);

  const checkOnce = (path: string, options?: CallOptions): Promise<{ status: "ok" }> => {
    const call = {
      method: "GET",
      path,
      options,
      isIdempotent: false,
      read: readJson<{ status: "ok" }>,
    } as const;
    return sendWithoutSession(call);
  };

  return {
    /** The current tokens; `undefined` without a session, and before `loadTokens` has been called. */
    get tokens(): Tokens | undefined {
      return session.tokens;
    },

    ...authMethods(sendWithoutSession, send, session),
    ...accountMethods(send),

    patients: {
      ...recordMethods<Patient, NewPatient, PatientChanges, PatientQuery>(send, "api/patients/"),
      ...duplicateMethods(send),
      ...importExportMethods(send),
      ...ownershipMethods(send),
    },

    doctors: {
      ...recordMethods<Doctor, NewDoctor, DoctorChanges, DoctorQuery>(send, "api/doctors/"),
      ...scheduleMethods(send),

      /**
       * Gives the patients of a doctor who leaves to another one, up to 1,000 in a call: repeat it while `more` is true. For
       * managers of a clinic and for admins, who must give a `reason`.
       */
      reassign: async (id: number, change: DoctorReassignment, options?: CallOptions) =>
        send({
          ...{ method: "POST", path: `api/doctors/${pathId(id)}/reassign/`, body: change },
          ...{ options, isIdempotent: true, read: readJson<Reassignment> },
        }),
    },

    assignments: assignmentMethods(send),

    appointments: appointmentMethods(send),

    ...slotMethods(send),

    calendarFeeds: calendarFeedMethods(send),

    /**
     * Lists what has changed since the cursor `since`, for a copy of the records; without it, everything that the lists
     * show. It ends when there is nothing new.
     */
    changes: (query?: { since?: string | undefined }, options?: CallOptions) =>
      listChanges(send, query, options),

    clinics: clinicMethods(send),

    identifierSystems: identifierSystemMethods(send),

    /** Lists the audit events that match the query, the newest first. For admins. */
    record: (query?: EventQuery, options?: CallOptions) =>
      list<AuditEvent>(send, "api/audit/", query, options),

    /** Lists the digests of the audit log's finished days, the newest first. For admins. */
    auditDigests: (query?: Paged, options?: CallOptions) =>
      list<AuditDigest>(send, "api/audit/digests/", query, options),

    /** Checks that the Worker runs. It is sent once. */
    health: async (options?: CallOptions) => checkOnce("healthz", options),

    /** Checks that the database answers. It is sent once. */
    readiness: async (options?: CallOptions) => checkOnce("readyz", options),
  };
}
