import { type List, list } from "./list.ts";
import type { EarliestSlotsQuery, Paged, SlotsQuery } from "./queries.ts";
import {
  type CreateOptions,
  createCall,
  deleteCall,
  type GetOptions,
  type PutOptions,
  versionedRecord,
} from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { Absence, DoctorSlots, EarliestSlots, NewAbsence, NewSchedule, Schedule } from "./types.ts";
import { pathId } from "./url.ts";

/** A time at which a doctor is free. `day` is its date in the doctor's time zone. */
export type Slot = DoctorSlots["slots"][number];

/** When doctors work and are free. Every method throws a `ProblemError` when it fails. */
export interface DoctorSchedules {
  schedule: {
    /** Reads the schedule of a doctor. The status is 404 until it was set. */
    get(doctor: number, options?: GetOptions<Schedule>): Promise<Schedule>;
    /**
     * Sets the whole schedule of a doctor. With `ifNoneMatch: "*"` it throws 412 if the doctor has one. Without a response it
     * is retried with `ifMatch` or `ifNoneMatch` only: a retry could overwrite another change.
     */
    put(doctor: number, schedule: NewSchedule, options?: PutOptions<Schedule>): Promise<Schedule>;
  };
  /**
   * Lists when a doctor is free, in order of time. `pages()` yields objects with the `time_zone` of the doctor, the length of
   * the slots, `minutes`, and `slots`.
   */
  slots(doctor: number, query: SlotsQuery, options?: CallOptions): List<Slot, DoctorSlots>;
  absences: {
    /** Lists the absences of a doctor, the earliest first. */
    list(doctor: number, query?: Paged, options?: CallOptions): List<Absence>;
    /**
     * Creates an absence. Without a response it is sent again with the same idempotency key, and creates one only. It
     * throws a problem with the code `open_appointments` when there are appointments in its time, unless `existing`
     * says what becomes of them.
     */
    create(doctor: number, absence: NewAbsence, options?: CreateOptions): Promise<Absence>;
  };
}

/** The methods of doctors that `DoctorSchedules` lists. */
export function scheduleMethods(send: Send): DoctorSchedules {
  const pathOf = (doctor: number, name: string) => `api/doctors/${pathId(doctor)}/${name}/`;
  const schedule = (doctor: number) => versionedRecord<Schedule>(send, pathOf(doctor, "schedule"));
  return {
    schedule: {
      get: async (doctor, options) => schedule(doctor).get(options),
      put: async (doctor, body, options) => schedule(doctor).change("PUT", body, options),
    },
    slots: (doctor, query, options) =>
      list(send, pathOf(doctor, "slots"), query, options, (page: DoctorSlots) => page.slots),
    absences: {
      list: (doctor, query, options) => list(send, pathOf(doctor, "absences"), query, options),
      create: async (doctor, body, options) =>
        send(createCall(pathOf(doctor, "absences"), body, readJson<Absence>, options)),
    },
  };
}

const absencePath = (id: number) => `api/absences/${pathId(id)}/`;

/** The methods of `absences`, and `slots`. */
export const slotMethods = (send: Send) => ({
  absences: {
    /** Reads the absence with this id. */
    get: async (id: number, options?: CallOptions): Promise<Absence> =>
      send({ method: "GET", path: absencePath(id), options, isIdempotent: true, read: readJson<Absence> }),
    /** Deletes the absence with this id. Appointments that it has cancelled stay so. */
    delete: async (id: number, options?: CallOptions): Promise<void> =>
      send(deleteCall(absencePath(id), options)),
  },

  /** Finds the doctors who are free earliest, up to 50, with up to three slots each. */
  slots: async (query: EarliestSlotsQuery, options?: CallOptions): Promise<EarliestSlots[]> =>
    send({
      method: "GET",
      path: "api/slots/",
      query,
      options,
      isIdempotent: true,
      read: readJson<EarliestSlots[]>,
    }),
});
