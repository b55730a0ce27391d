import { auditActions } from "../db/query/audit-actions.ts";
import { outcomes, roles } from "../db/schema.ts";
import * as z from "../zod.ts";
import { phonesInResponse } from "./contact-fields.ts";
import { idSchema, MAX_ID, MAX_NAME } from "./fields.ts";
import { type ProblemCode as Code, fieldErrorCodes, problemStatuses } from "./problem-codes.ts";

// Schemas that the responses of several groups share. They are for the OpenAPI document, the client and the tests:
// the Worker sends JSON that PostgreSQL made, and imports the responses.ts files for their types alone.

export const ProblemCode = z.enum(Object.keys(problemStatuses) as [Code, ...Code[]]);
export const FieldErrorCode = z.enum(fieldErrorCodes);

/** A UTC timestamp in milliseconds. */
export const timestampSchema = z.iso
  .datetime({ precision: 3 })
  .check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" }));

/** An array in a response. @param max how many items it can have */
export const boundedArray = <Item extends z.ZodMiniType>(item: Item, max: number) =>
  z.array(item).check(z.maxLength(max));

/**
 * For arrays that the API does not limit, such as the doctors of a patient: more than any hospital has. Code generators
 * and linters want a number.
 */
export const MANY = 100_000;

/** The messages of each field that is not valid, by its path. A field has one for each of its rules. */
export const fieldErrorsSchema = z.record(
  z.string(),
  boundedArray(z.string().check(z.minLength(1)), 20).check(z.minLength(1)),
);

/** The codes of these messages, in the same order. */
export const fieldErrorCodesSchema = z.record(
  z.string(),
  boundedArray(FieldErrorCode, 20).check(z.minLength(1)),
);

/** The version of a record: the number in its ETag. */
export const versionSchema = z.int().check(z.positive(), z.maximum(MAX_ID));

/** A name. Those from before the rule of `personName` are still returned. One of a person's two may be empty. */
const nameInResponse = z.string().check(z.maxLength(MAX_NAME));

/** The fields of a person that a response has in a stricter form than a request. */
export const personInResponse = {
  firstname: nameInResponse,
  lastname: nameInResponse,
  phones: phonesInResponse,
};

/**
 * A patient or a doctor: the fields that a client writes, and the read-only ones. See `responseFields` in body-schemas.ts.
 */
export const resourceSchema = <Fields extends z.core.$ZodShape>(fields: Fields) =>
  z.strictObject({
    id: idSchema,
    ...fields,
    created_by: idSchema,
    created_at: timestampSchema,
    updated_at: timestampSchema,
    version: versionSchema,
  });

/** The id and time of an audit event. The id is a `bigint`, unlike those of other records. */
export const eventBase = { id: z.int().check(z.positive()), at: timestampSchema };

/** The changed fields, with their values before and after. */
export const changesSchema = z.record(
  z.string(),
  z.strictObject({ before: z.unknown(), after: z.unknown() }),
);

/** Who did what, with which outcome, and from where. */
export const eventDetails = {
  account: z.nullable(z.strictObject({ id: idSchema, username: z.string(), role: z.enum(roles) })),
  action: z.enum(auditActions),
  outcome: z.enum(outcomes),
  address: z.nullable(z.string()),
  request_id: z.nullable(z.uuid()),
  changes: z.optional(changesSchema),
  /** The clinic in which the account worked. */
  clinic: z.optional(idSchema),
  reason: z.optional(z.string()),
};
