import { checkDigits } from "../db/schema.ts";
import { patchBody, readOnlyFields, requestBody, responseFields } from "../http/body-schemas.ts";
import { rule, storableText, trimmedPattern } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import * as z from "../zod.ts";
import { isPattern, MAX_PATTERN_LENGTH, PATTERN_SHAPE } from "./pattern.ts";

/** A text that is trimmed and must be valid. @param jsonSchema describes it in the OpenAPI document. */
const textOf = (
  isValid: (value: string) => boolean,
  message: string,
  jsonSchema: { pattern: string; maxLength?: number; format?: string },
) =>
  z
    .string()
    .check(
      storableText,
      z.trim(),
      rule(isValid, "invalid_format", message),
      z.meta({ ...jsonSchema, pattern: trimmedPattern(jsonSchema.pattern) }),
    );

const NAME = "^[a-z0-9-]{1,32}$";
/** An absolute URI (RFC 3986): a scheme, a colon, and characters that need no escape. */
const URI = "^[A-Za-z][A-Za-z0-9+.-]{0,31}:[!#-;=?-Z_a-z~\\[\\]]{1,220}$";
const [name, uri] = [new RegExp(NAME), new RegExp(URI)];

/** The fields that an admin writes. */
export const identifierSystemFields = {
  name: textOf((value) => name.test(value), "Must be 1 to 32 lower-case letters, digits and hyphens", {
    pattern: NAME,
  }),
  uri: z.nullable(
    textOf((value) => uri.test(value), "Must be an absolute URI, such as urn:oid:1.2.3", { pattern: URI }),
  ),
  pattern: z.nullable(
    textOf(
      isPattern,
      "Must be a sequence of \\d, [A-Z], [A-Z0-9] and literals, each with an optional {n} or {n,m}, that matches at most 64 characters. Literals are A to Z, 0 to 9, / : _ # and \\., because values are compared in upper case, without spaces and hyphens",
      // The format says that a repetition like {3,2} is none.
      { pattern: PATTERN_SHAPE, maxLength: MAX_PATTERN_LENGTH, format: "regex" },
    ),
  ),
  check_digit: z.enum(checkDigits),
};

/** The fields of a response, in this order. */
export const identifierSystemResponseFields = responseFields(identifierSystemFields);

export const IdentifierSystemsQuery = defineListQuery({}, ["id"]);

export const NewIdentifierSystem = requestBody(
  {
    ...identifierSystemFields,
    uri: z._default(identifierSystemFields.uri, null),
    pattern: z._default(identifierSystemFields.pattern, null),
    check_digit: z._default(identifierSystemFields.check_digit, "none"),
  },
  readOnlyFields,
);

export const IdentifierSystemChanges = patchBody(identifierSystemFields, readOnlyFields);
