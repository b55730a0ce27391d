import { type List, list } from "./list.ts";
import type { AssignmentQuery } from "./queries.ts";
import { type CreateOptions, createCall, deleteCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { Assignment, DoctorsOfPatient, ListedAssignment, NewAssignment } from "./types.ts";
import { pathId } from "./url.ts";

/** Which doctor treats which patient. Every method throws a `ProblemError` when it fails. */
export interface Assignments {
  /** Lists the assignments of the caller's patients. */
  list(query?: AssignmentQuery, options?: CallOptions): List<ListedAssignment>;
  /** Assigns a doctor to a patient. */
  create(assignment: NewAssignment, options?: CreateOptions): Promise<Assignment>;
  /** Deletes the assignment with this id. */
  delete(id: number, options?: CallOptions): Promise<void>;
  /** Reads the doctors of the patient with this id. */
  ofPatient(id: number, options?: CallOptions): Promise<DoctorsOfPatient>;
}

/** The methods of `assignments`. */
export const assignmentMethods = (send: Send): Assignments => ({
  list: (query, options) => list(send, "api/mappings/", query, options),
  create: async (assignment, options) =>
    send(createCall("api/mappings/", assignment, readJson<Assignment>, options)),
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
