import { aged, each, type Hostile, PATIENT } from "./hostile.ts";

const request = "POST /api/patients/";
const whole = `{${PATIENT}}`;

const numbers: Hostile[] = [
  ...each(["-0", "36.0", "3.6e1", "0.36E+2", "120"], (age) => ({
    name: `the age ${age}`,
    why: "it is a spelling of a whole number, and must be stored as one",
    request,
    body: aged(age),
    answers: [201],
  })),
  ...each(
    [
      "1e400",
      "-1e400",
      "1e-400",
      "9007199254740993",
      "1e308",
      "36.5",
      '"36"',
      "[36]",
      '{"valueOf": 36}',
      "true",
      "null",
      '""',
    ],
    (age) => ({
      name: `the age ${age}`,
      why: "a value that is no valid age must not be converted to one",
      request,
      body: aged(age),
      answers: age === "1e-400" ? [201, 400] : [400],
    }),
  ),
  ...each(["NaN", "Infinity", "0x24", "036", "+36", "36.", ".36", "3_6", "36n", "undefined"], (age) => ({
    name: `the age ${age}`,
    why: "it is no JSON, although other parsers accept it",
    request,
    body: aged(age),
    answers: [400],
  })),
];

const pollution: Hostile[] = each(
  [
    ['"__proto__": {"polluted": true}', "fields of every object"],
    ['"__proto__": {"age": 36}, "x": 1', "a field that is read from the prototype"],
    ['"constructor": {"prototype": {"polluted": true}}', "fields of every object, in another way"],
    ['"toString": "x", "valueOf": "x", "hasOwnProperty": 1', "methods that the code calls on the object"],
    ['"toJSON": "x"', "the method that JSON.stringify calls"],
    ['"then": "x"', "the method that await calls"],
    ['"\\u005f_proto__": {"polluted": true}', "the same name, escaped"],
    ['"id": 1, "role": "admin", "owner_id": 1', "rights, by fields that only the API sets"],
    [
      '"created_by": 1, "deleted_at": null, "version": 9',
      "another account's record, by fields that only the API sets",
    ],
  ],
  ([fields, what]) => ({
    name: `a body with ${fields}`,
    why: `it would set ${what}`,
    request,
    body: `{${PATIENT}, ${fields}}`,
    answers: [400],
  }),
);

const shapes: Hostile[] = each(
  [
    "[]",
    `[${whole}]`,
    `{"0": ${whole}}`,
    "null",
    "7",
    '"{}"',
    "true",
    `${whole}${whole}`,
    `${whole},`,
    `/**/${whole}`,
    `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
    `${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`,
    "[".repeat(60_000),
    `{${PATIENT.replace('"Ada"', `${"[".repeat(20_000)}${"]".repeat(20_000)}`)}}`,
    "{",
    '{"firstname"',
    "\0",
    `${whole}\0`,
  ],
  (body) => ({
    name: `the body ${body.length > 40 ? `${body.slice(0, 40)}…` : JSON.stringify(body)}`,
    why: "a body that is no object with a patient's fields must be refused, however deep it is nested",
    request,
    body,
    answers: [400],
  }),
);

const text: Hostile[] = each(
  ["\\u0000", "Ada\\u0000", "\\ud800", "\\udc00Ada", "\\ud83e", "\\u200b", "x".repeat(101)],
  (firstname) => ({
    name: `the first name ${firstname.slice(0, 20)}`,
    why: "PostgreSQL cannot store it, or it is invisible or too long",
    request,
    body: whole.replace("Ada", firstname),
    answers: [400],
  }),
);

const encodings: Hostile[] = [
  ...each(["utf-16le", "utf-16be", "gzip"] as const, (encoding) => ({
    name: `a body in ${encoding}`,
    why: "an encoding must not be guessed, and nothing decompressed: a small body could become very large",
    request,
    headers: encoding === "gzip" ? { "Content-Encoding": "gzip" } : {},
    body: whole,
    encoding,
    answers: [400, 415],
  })),
  {
    name: "a name in Latin-1",
    why: "its bytes are no UTF-8, and would be stored as other characters",
    request,
    body: whole.replace("Ada", "Adélaïde"),
    encoding: "latin1",
    answers: [400],
  },
  { name: "a byte order mark", why: "some editors add it", request, body: `\ufeff${whole}`, answers: [201] },
  {
    name: "two byte order marks",
    why: "no editor adds two",
    request,
    body: `\ufeff\ufeff${whole}`,
    answers: [400],
  },
  ...each(
    [
      "text/plain",
      "",
      "text/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json, text/plain",
      "application/json; charset=utf-7",
      "image/svg+xml",
    ],
    (type) => ({
      name: `a body of the type ${JSON.stringify(type)}`,
      why: "a page of another origin can send it without a preflight",
      request,
      headers: { "Content-Type": type },
      body: whole,
      answers: [415],
    }),
  ),
];

const manyFields = Array.from({ length: 5_000 }, (_, index) => `"f${index}": 0`).join(", ");

const sizes: Hostile[] = [
  {
    name: "63 KB of unknown fields",
    why: "the response would be many times larger than the request",
    request,
    body: `{${PATIENT}, ${manyFields}}`,
    answers: [400],
  },
  {
    name: "one unknown field of 60 KB",
    why: "the response would repeat it",
    request,
    body: `{"${"x".repeat(60_000)}": 1, ${PATIENT}}`,
    answers: [400],
  },
  {
    name: "a key twice",
    why: "one parser takes the first value, another the last",
    request,
    body: `{"age": 1, ${PATIENT}}`,
    answers: [201, 400],
  },
  { name: "a body of 70 KB", why: "memory", request, body: whole.padEnd(70_000), answers: [413] },
];

export const hostileBodies: Hostile[] = [
  ...numbers,
  ...pollution,
  ...shapes,
  ...text,
  ...encodings,
  ...sizes,
];
