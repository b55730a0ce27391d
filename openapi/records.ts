import { IdPath } from "../src/http/fields.ts";
import { IdempotencyKey } from "../src/http/idempotency.ts";
import { describeParameters } from "../src/http/openapi.ts";
import { IfMatch, IfNoneMatch } from "../src/http/preconditions.ts";

// Words that the groups of records share.

/** Fields that the API sets, in patients as in doctors. */
export const setByApi = {
  id: "The record's id.",
  created_by: "The id of the account that created it.",
  created_at: "When it was created, in UTC, to the millisecond.",
  updated_at: "When it was changed last, in UTC, to the millisecond.",
};

export const gender = "`M` male, `F` female, `O` other, `U` unknown.";

export const specialization =
  "`CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine.";

export const assignedAt = "When the doctor was assigned, in UTC, to the millisecond.";

/** The path of one record. */
export const byId = describeParameters(IdPath, { id: { description: "The record's id.", example: 7 } });

/**
 * What every list takes. No parameter that may be left out has an example of its own: a page that tries routes would fill
 * it in.
 */
export const pageWords = {
  limit: { description: "How many records the page has at most." },
  cursor: {
    description:
      "Where the page begins: from the URL in the last page's `Link` header. It carries the filters and the order too, and is good for this list only.",
  },
  sort: {
    description:
      "The order; backwards with a `-` before it. Records that are the same by it are in order of `id`.",
  },
};

export const search = {
  description:
    "The beginning of a first, a last or a full name, with either of the two first; whatever the case and the accents. `hop` finds Grace Hopper.",
};

/** The headers of requests, by what they are for. */
export const conditions = [
  describeParameters(IfNoneMatch, {
    "If-None-Match": {
      description:
        'The ETags that you have (`"3"`): when the record\'s is among them, the answer is 304 and has no body.',
    },
  }),
  describeParameters(IfMatch, {
    "If-Match": {
      description:
        'The ETag of the record as you have seen it (`"3"`): when somebody has changed it since, the answer is 412 and nothing has changed. Where the installation wants it, a change without it is 428.',
    },
  }),
  describeParameters(IdempotencyKey, {
    "Idempotency-Key": {
      description:
        "A key of your own for this request, a UUID for instance. Send the same request with the same key again, and you get the first answer again and nothing is made twice. It is kept for 24 hours.",
    },
  }),
];

/** The answer to a client that has the record already. */
export const notModified = {
  status: 304,
  description: "You have this version.",
  headers: ["ETag"],
} as const;
