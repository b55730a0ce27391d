import { versionOf } from "./etag.ts";
import { type List, list } from "./list.ts";
import type { AssignmentQuery } from "./queries.ts";
import { type ChangeOptions, type CreateOptions, createCall, deleteCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type {
  Assignment,
  AssignmentChanges,
  DoctorSummary,
  DoctorsOfPatient,
  ListedAssignment,
  NewAssignment,
} from "./types.ts";
import { pathId } from "./url.ts";

/** An assignment that has not ended: it has a doctor. */
export type CurrentAssignment = ListedAssignment & { doctor: DoctorSummary };

/** An assignment, or its ETag, that a change was made from. */
type AssignmentOptions = ChangeOptions<Assignment | ListedAssignment>;

/** Which doctor treats which patient. Every method throws a `ProblemError` when it fails. */
export interface Assignments {
  /** Lists the current assignments of the caller's patients. */
  list(
    query?: AssignmentQuery & { ended?: false | undefined },
    options?: CallOptions,
  ): List<CurrentAssignment>;
  /** Lists the current assignments of the caller's patients, or with `ended` those that have ended. */
  list(query?: AssignmentQuery, options?: CallOptions): List<ListedAssignment>;
  /** Assigns a doctor to a patient. */
  create(assignment: NewAssignment, options?: CreateOptions): Promise<Assignment>;
  /** Changes the role of the assignment with this id, or makes it the primary one of its patient. It is sent once. */
  update(id: number, changes: AssignmentChanges, options?: AssignmentOptions): Promise<Assignment>;
  /** Ends the assignment with this id. */
  delete(id: number, options?: AssignmentOptions): Promise<void>;
  /** Reads the doctors of the patient with this id. */
  ofPatient(id: number, options?: CallOptions): Promise<DoctorsOfPatient>;
}

/** The methods of `assignments`. */
export const assignmentMethods = (send: Send): Assignments => ({
  list: (query?: AssignmentQuery, options?: CallOptions) =>
    list<CurrentAssignment>(send, "api/mappings/", query, options),
  create: async (assignment, options) =>
    send(createCall("api/mappings/", assignment, readJson<Assignment>, options)),
  update: async (id, changes, { ifMatch, ...options } = {}) =>
    send({
      method: "PATCH",
      path: `api/mappings/${pathId(id)}/`,
      body: changes,
      headers: { "If-Match": versionOf(ifMatch) },
      options,
      isIdempotent: false,
      read: readJson<Assignment>,
    }),
  delete: async (id, options) => send(deleteCall(`api/mappings/${pathId(id)}/`, options)),
  ofPatient: async (id, options) =>
    send({
      method: "GET",
      path: `api/mappings/${pathId(id)}/`,
      options,
      isIdempotent: true,
      read: readJson<DoctorsOfPatient>,
    }),
});
