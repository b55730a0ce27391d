import { genders, specializations } from "../db/schema.ts";
import { patchBody, readOnlyFields, requestBody, responseFields } from "../http/body-schemas.ts";
import { phonesField } from "../http/contact-fields.ts";
import {
  booleanParam,
  emailField,
  idParam,
  idSchema,
  makeOptional,
  nameSearch,
  personName,
  reasonField,
  timestampParam,
} from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import { hasNoName, removesNames, requireChangedName, requireName } from "../http/person-rules.ts";
import * as z from "../zod.ts";

/** The fields that a client writes. */
export const doctorFields = {
  firstname: personName,
  lastname: personName,
  email: z.nullable(emailField(128)),
  gender: z.enum(genders),
  specialization: z.enum(specializations),
  max_appointments_per_day: z.int().check(z.minimum(0), z.maximum(1000)),
  active: z.boolean(),
  /** Whether other doctors may have the same email. */
  email_shared: z.boolean(),
  phones: phonesField,
};

/** The fields of a response, in this order. */
export const doctorResponseFields = responseFields(doctorFields);

export const DoctorsQuery = defineListQuery(
  {
    search: nameSearch,
    specialization: doctorFields.specialization,
    active: booleanParam,
    patient: idParam,
    updated_since: timestampParam,
  },
  ["id", "lastname", "created_at", "updated_at"],
);

/** Fields that are left out and have no default here get their values from the statement. */
export const NewDoctor = requestBody(
  {
    ...makeOptional(doctorFields),
    gender: doctorFields.gender,
    specialization: doctorFields.specialization,
    max_appointments_per_day: z._default(doctorFields.max_appointments_per_day, 10),
    active: z._default(doctorFields.active, true),
  },
  readOnlyFields,
  requireName,
).check(z.meta({ not: hasNoName }));

export const DoctorChanges = patchBody(doctorFields, readOnlyFields, requireChangedName).check(
  z.meta({ not: removesNames }),
);

/** How many patients one reassignment names at most. */
const MAX_REASSIGNED = 1000;

/** Who gets the patients of a doctor: all of them, or some. Admins must give a reason. */
export const DoctorReassignment = requestBody({
  to: idSchema,
  patients: z.optional(z.array(idSchema).check(z.minLength(1), z.maxLength(MAX_REASSIGNED))),
  /** Open appointments with the doctor who leaves: `cancel` cancels them; without it they are in the way. */
  appointments: z.optional(z.literal("cancel")),
  reason: z.optional(reasonField),
});
