import { appointmentRules, appointmentStatuses } from "../src/db/schema/codes.ts";
import { idSchema, MAX_ID } from "../src/http/fields.ts";
import {
  type DescribedSchema,
  describeSchema,
  type JsonSchema,
  type OperationDescription,
  type ProblemDescription,
  referenceTo,
} from "../src/http/openapi.ts";
import { type ProblemCode, problemStatuses } from "../src/http/problem-codes.ts";
import { fieldErrorCodeTexts, problemCodeTexts } from "../src/http/problem-codes-openapi.ts";
import * as responses from "../src/http/responses.ts";
import * as z from "../src/zod.ts";
import { deprecationHeaders, headerReferences, type ProblemHeaderName } from "./headers.ts";
import { type StatusDescription, statusDescription, statuses } from "./problem-statuses.ts";

/** The body of every error (RFC 9457). */
export const problemSchema = describeSchema(
  z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().check(z.minimum(400), z.maximum(599)),
    code: responses.ProblemCode,
    detail: z.string(),
    errors: z.optional(responses.fieldErrorsSchema),
    error_codes: z.optional(responses.fieldErrorCodesSchema),
    successor: z.optional(idSchema),
    existing: z.optional(idSchema),
    system: z.optional(z.string()),
    duplicates: z.optional(responses.boundedArray(idSchema, 10)),
    rules: z.optional(responses.boundedArray(z.enum(appointmentRules), appointmentRules.length)),
    next_free: z.optional(
      responses.boundedArray(
        z.strictObject({ starts_at: responses.timestampSchema, ends_at: responses.timestampSchema }),
        3,
      ),
    ),
    appointment_status: z.optional(z.enum(appointmentStatuses)),
    appointments: z.optional(responses.boundedArray(idSchema, responses.MANY)),
    others: z.optional(z.int().check(z.minimum(0), z.maximum(MAX_ID))),
    request_id: z.uuid().check(z.meta({ pattern: "^[0-9a-f-]{36}$" })),
  }),
  {
    description: "An error, in the format of RFC 9457.",
    fields: {
      type: "Always `about:blank`: the code says what kind of error it is.",
      title: "The name of the status.",
      status: "The HTTP status.",
      code: "What kind of error it is, for programs: it never changes its meaning.",
      detail: "What is wrong with this request. For people: the text may change.",
      errors: "Present only if fields are not valid: all messages of each field, by its path.",
      error_codes:
        "Present together with `errors`, for programs: the codes of each field, by the same paths and in the same order as its messages.",
      successor: "With `merged`, the id of the patient that this one is part of now.",
      existing:
        "With `email_taken`, `identifier_taken` and `identifier_system_taken`, the id of the record that has the email, the identifier or the name. Left out if the response cannot name it.",
      system:
        "With `identifier_taken` and `receiver_has_identifier`, the name of the identifier's system. Left out if the response cannot name it.",
      duplicates:
        "With `possible_duplicate`, the ids of the patients that the new one looks like, the best first.",
      rules: "With `not_bookable`, which rules the appointment would break.",
      next_free: "With `not_bookable`, the next slots that are free, up to three within 14 days.",
      appointment_status: "With `invalid_transition`, the status of the appointment.",
      appointments:
        "With `open_appointments` and `appointments_overlap`, the ids of the appointments that you can see.",
      others: "With `open_appointments`, how many more there are, which the response does not name.",
      request_id: "The id of the request, as in the header X-Request-Id and in the log.",
    },
    example: {
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      code: "validation_failed",
      detail: "2 fields are not valid.",
      errors: { age: ["Too big: expected number to be <=120"], email: ["Invalid email address"] },
      error_codes: { age: ["too_big"], email: ["invalid_email"] },
      request_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
    },
  },
);

const codeList = (texts: [code: string, text: string][]): string =>
  texts.map(([code, text]) => `- \`${code}\`: ${text}.`).join("\n");

/** The named enums of codes. */
export const codeSchemas: Record<string, DescribedSchema> = {
  ProblemCode: {
    schema: responses.ProblemCode,
    description: `What kind of error a problem is. Later versions may add codes: treat one that you do not know like its status.\n\n${codeList(
      Object.entries(problemCodeTexts).map(([code, { when, action }]) => [
        code,
        `${problemStatuses[code as ProblemCode]}. ${when}. ${action}`,
      ]),
    )}`,
    fields: {},
    example: "validation_failed",
  },
  FieldErrorCode: {
    schema: responses.FieldErrorCode,
    description: `What is wrong with a field. Later versions may add codes.\n\n${codeList(Object.entries(fieldErrorCodeTexts))}`,
    fields: {},
    example: "too_big",
  },
};

/** The named responses: one for each error status. */
export const problemResponses = (): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(statuses).map(([status, { name }]) => [name, problemResponse(Number(status))]),
  );

/**
 * An error response of an operation: with its own texts or codes, or the headers of a deprecated one, or a reference to
 * the named response of its status.
 *
 * @param common the codes of the operation's middleware and validation. Those of its own problems are added.
 */
export function operationProblem(
  status: number,
  common: readonly ProblemCode[],
  { problems = {}, deprecated }: OperationDescription,
): JsonSchema {
  const { name, codes } = statusDescription(status);
  const texts = problems[status];
  if (!texts && !deprecated && common.join() === codes.join())
    return { $ref: `#/components/responses/${name}` };
  return problemResponse(
    status,
    { ...texts, codes: [...new Set([...(texts?.codes ?? []), ...common])] },
    deprecated ? deprecationHeaders : [],
  );
}

/** A status can have several codes: only a merged patient has a successor. */
const mergedHeaders = (codes: readonly ProblemCode[]): ProblemHeaderName[] =>
  codes.includes("merged") ? ["MergedLink"] : [];

function problemResponse(
  status: number,
  texts: Partial<ProblemDescription> = {},
  headers: readonly string[] = [],
): JsonSchema {
  const own = { ...statusDescription(status), ...texts };
  const wrong = own.codes.filter((code) => problemStatuses[code] !== status);
  if (own.codes.length === 0 || wrong.length > 0)
    throw new Error(`A response with the status ${status} has the codes ${own.codes}.`);
  const schema = {
    allOf: [
      referenceTo("Problem"),
      { type: "object", properties: { code: { type: "string", enum: own.codes } } },
    ],
  };
  return {
    description: own.description,
    headers: headerReferences([...(own.headers ?? []), ...mergedHeaders(own.codes), ...headers]),
    content: { "application/problem+json": { schema, example: problemExample(status, own) } },
  };
}

function problemExample(
  status: number,
  { title, detail, codes: [code] }: Omit<StatusDescription, "name">,
): unknown {
  const { type, request_id } = Object(problemSchema.example);
  const field = {
    errors: { email: ["Invalid email address"] },
    error_codes: { email: ["invalid_email"] },
  };
  return {
    ...{ type, title, status, code, detail },
    ...(code === "validation_failed" && field),
    ...(code === "merged" && { successor: 7 }),
    ...(code === "email_taken" && { existing: 7 }),
    ...(code === "possible_duplicate" && { duplicates: [7, 9] }),
    ...(code === "not_bookable" && {
      rules: ["day_full"],
      next_free: [{ starts_at: "2026-12-10T08:00:00.000Z", ends_at: "2026-12-10T08:30:00.000Z" }],
    }),
    ...(code === "invalid_transition" && { appointment_status: "cancelled" }),
    ...(code === "open_appointments" && { appointments: [21, 22], others: 1 }),
    ...(code === "appointments_overlap" && { appointments: [21, 22] }),
    ...(code === "identifier_taken" && { existing: 7, system: "mrn" }),
    request_id,
  };
}
