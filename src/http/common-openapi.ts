import { IdPath } from "./fields.ts";
import { IdempotencyKey } from "./idempotency.ts";
import { describeParameters, type OpenApiTag } from "./openapi.ts";
import { OptionalPreconditions, ReadPreconditions, WritePreconditions } from "./preconditions.ts";

// Descriptions that several groups share.

/** The tag of everything that only admins manage: accounts and invitations. */
export const administrationTag: OpenApiTag = {
  name: "Administration",
  description: "For admins: accounts, their sessions, and invitations to register.",
};

/** Of a field in a request that the API sets itself. */
export const ignoredFieldText = "Set by the API. It may be sent back and is ignored.";

/** The fields of a patient or a doctor that the API sets. */
export const readOnlyFieldTexts = {
  id: "The record's id.",
  created_by: "The id of the account that created it.",
  created_at: "When it was created: a UTC timestamp in milliseconds.",
  updated_at: "When it was last changed: a UTC timestamp in milliseconds.",
  version:
    "The number in its `ETag`: 1 when it was created, and one more with each change. Send it as `If-Match` to change the record only if nobody else has.",
};

/** What a name may be. It completes "The first name, ". */
const nameRule =
  "up to 100 characters, without zero-width or bidirectional control characters. One of the two may be empty, null or left out; a response has an empty text then.";

/** The name of a patient or a doctor. */
export const personNameTexts = {
  firstname: `The first name, ${nameRule}`,
  lastname: `The last name, ${nameRule}`,
};

/** How a patient or a doctor can be reached. */
export const contactTexts = {
  email_shared:
    "`true`: the email may be that of others too, as in a family. A record whose email somebody else has cannot be set back to `false`. `false` if it was never set.",
  phones:
    "The phone numbers, up to five, the preferred one first, in the form of E.164: `+` and 7 to 15 digits, the country code first. In a request they may have spaces, hyphens, dots and brackets, which are removed, and a repeated number counts once. `[]` for none.",
};

/** What an email may be. It completes "The email address, ". */
const emailRule =
  "as in RFC 5321 and, with letters of other scripts, RFC 6531: at most 64 bytes of UTF-8 before the @ and at most 255 after it, labels of at most 63 characters, no quotation marks, no IP address. It is stored in Unicode's normal form NFC.";

/** @param whose begins the sentence: "The account's email address" */
export const describeEmail = (whose: string, rest = ""): string => `${whose}, ${emailRule}${rest}`;

export const genderText = "`M` male, `F` female, `O` other, `U` unknown.";

export const specializationText =
  "`CARD` cardiology, `DERM` dermatology, `NEUR` neurology, `ORTH` orthopaedics, `PED` paediatrics, `GEN` general medicine.";

/** The path `/:id/` of a patient or a doctor. */
export const idPathParameters = describeParameters(IdPath, {
  id: { description: "The record's id.", example: 7 },
});

/**
 * The query parameters of every list. Optional parameters have no example: the reference page would fill it in and send
 * it.
 */
export const pageParameterTexts = {
  limit: { description: "The maximum number of records on the page; 50 if it is left out." },
  cursor: {
    description:
      "Where the page starts (keyset pagination): take it from the URL in the `Link` header of the previous page. It contains the filters and the sort order, and is valid for this list only.",
  },
  sort: {
    description:
      "The sort order. A `-` before the name reverses it. Records with equal values are sorted by `id`.",
  },
};

export const updatedSinceText = {
  description:
    "Only records that were created or changed at or after this UTC timestamp. The time of a change is when its request began, which can be seconds before others can see it.",
};

export const searchParameterText = {
  description:
    "Finds the names in which each of its words begins a word, in any order. Case, accents and punctuation are ignored. `hop gr` finds Grace Hopper, `obrien` finds O’Brien.",
};

/** The headers of conditional requests and of requests that can be retried. */
export const requestHeaders = [
  describeParameters(ReadPreconditions, {
    "If-None-Match": {
      description:
        'The ETags that you have (`"3"`). If the ETag of the record is one of them, the response is 304 without a body.',
    },
    "If-Match": {
      description:
        'The ETags that you accept (`"3"`). If the ETag of the record is none of them, the response is 412.',
    },
  }),
  describeParameters(WritePreconditions, {
    "If-None-Match": {
      description:
        "The ETags that the record must not have. If its ETag is one of them, the response is 412 and nothing is changed.",
    },
    "If-Match": {
      description:
        'The ETag of the record as you last read it (`"3"`), for optimistic locking. If the record has changed since, the response is 412 and nothing is changed. If this installation requires the header, a change without it returns 428.',
    },
  }),
  describeParameters(OptionalPreconditions, {
    "If-None-Match": {
      description:
        "The ETags that the record must not have. If its ETag is one of them, the response is 412 and nothing is changed.",
    },
    "If-Match": {
      description:
        'The ETag of the record as you last read it (`"3"`), for optimistic locking. If the record has changed since, the response is 412 and nothing is changed.',
    },
  }),
  describeParameters(IdempotencyKey, {
    "Idempotency-Key": {
      description:
        "An idempotency key that you choose for this request, for example a UUID. If you retry the request with the same key, you get the first response again, as long as you may read what it created, and nothing is created twice. Keys are kept for 24 hours.",
    },
  }),
];

/** The error of a patient that was merged into another one. */
export const mergedProblem = {
  description:
    "The patient was merged into another one, `successor`, which you can use in the same way. For everybody else the response is 404.",
  detail: "This patient was merged into another one: use its successor.",
  codes: ["merged"],
} as const;

/** The error of a request that needs a higher role in the clinic. */
export const clinicRoleRequired = {
  description: "Your role in the clinic in which your session works does not allow it.",
  detail: "Your role in this clinic does not allow this.",
  codes: ["clinic_role_required"],
} as const;

/** The error of a request that open appointments are in the way of. */
export const openAppointments = (description: string) =>
  ({
    description: `${description} \`appointments\` has the ids of those that you can see, \`others\` the number of the others.`,
    detail: "The patient still has appointments with this doctor. Cancel them or move them first.",
    codes: ["open_appointments"],
  }) as const;

/** The response to a conditional GET when the client has the current version. */
export const notModifiedResponse = {
  status: 304,
  description: "You already have this version.",
  headers: ["ETag"],
} as const;
