// The people in all examples.

const moment = "2026-09-06T09:45:06.922Z";

/** A patient as a client writes it. */
export const grace = {
  firstname: "Grace",
  lastname: "Hopper",
  email: "grace@example.org",
  age: 85,
  gender: "F",
} as const;
/** The same as it is read. */
export const patient = {
  id: 7,
  ...grace,
  created_by: 12,
  created_at: moment,
  updated_at: moment,
};
/** A doctor as a client writes it. */
export const house = {
  firstname: "Gregory",
  lastname: "House",
  email: "house@example.org",
  gender: "M",
  specialization: "NEUR",
  max_appointments_per_day: 8,
  active: true,
} as const;
/** The same as it is read. */
export const doctor = {
  id: 3,
  ...house,
  created_by: 12,
  created_at: moment,
  updated_at: moment,
};
