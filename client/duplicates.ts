import { type CreateOptions, createCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { NewPatient, Patient, PossibleDuplicate } from "./types.ts";
import { pathId } from "./url.ts";

/** The options of a call that creates a patient. */
export interface CreatePatientOptions extends CreateOptions {
  /**
   * `refuse`: the call throws a problem with the code `possible_duplicate` when the patient looks like others, whose ids are
   * the problem's `duplicates`. By default the patient is created.
   */
  duplicates?: "allow" | "refuse" | undefined;
}

/** Creating patients, and finding those that may be the same person. */
export interface Duplicates {
  /**
   * Creates a patient. Without a response it is sent again with the same idempotency key, and creates one patient only.
   */
  create(patient: NewPatient, options?: CreatePatientOptions): Promise<Patient>;
  /** Lists the patients that look like this one, the best first, and why. */
  duplicates(id: number, options?: CallOptions): Promise<PossibleDuplicate[]>;
}

/** The methods of patients that `Duplicates` lists. */
export const duplicateMethods = (send: Send): Duplicates => ({
  create: async (patient, { duplicates, ...options } = {}) =>
    send({ ...createCall("api/patients/", patient, readJson<Patient>, options), query: { duplicates } }),
  duplicates: async (id, options) =>
    send({
      method: "GET",
      path: `api/patients/${pathId(id)}/duplicates/`,
      options,
      isIdempotent: true,
      read: readJson<PossibleDuplicate[]>,
    }),
});
