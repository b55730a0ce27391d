// Problems that the routes of schedules, slots and absences share.

export const noDoctor = { description: "There is no such doctor.", detail: "There is no such doctor." };
export const notAllowed = {
  description:
    "Only the account that created the doctor, the doctor's own account and admins may change the schedule and absences.",
  detail:
    "Only the account that created the doctor, the doctor's own account or an admin may change absences.",
  codes: ["not_doctor_creator"],
} as const;
