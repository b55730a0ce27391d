import { aged, each, type Hostile, PATIENT } from "./hostile.ts";

const request = "POST /api/patients/";
const whole = `{${PATIENT}}`;

const numbers: Hostile[] = [
  ...each(["-0", "36.0", "3.6e1", "0.36E+2", "120"], (age) => ({
    name: `the age ${age}`,
    why: "it is a whole number all the same, and must be stored as one",
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
      why: "what is no number, or none that an age can be, must not become one on the way",
      request,
      body: aged(age),
      answers: age === "1e-400" ? [201, 400] : [400],
    }),
  ),
  ...each(["NaN", "Infinity", "0x24", "036", "+36", "36.", ".36", "3_6", "36n", "undefined"], (age) => ({
    name: `the age ${age}`,
    why: "it is no JSON, though other readers take it",
    request,
    body: aged(age),
    answers: [400],
  })),
];

const pollution: Hostile[] = each(
  [
    ['"__proto__": {"polluted": true}', "fields of every object"],
    ['"__proto__": {"age": 36}, "x": 1', "a field that is read from the prototype"],
    ['"constructor": {"prototype": {"polluted": true}}', "fields of every object, by another way"],
    ['"toString": "x", "valueOf": "x", "hasOwnProperty": 1', "what the code calls on the object"],
    ['"toJSON": "x"', "what JSON.stringify looks for"],
    ['"then": "x"', "what await looks for"],
    ['"\\u005f_proto__": {"polluted": true}', "the same name, escaped"],
    ['"id": 1, "role": "admin", "owner_id": 1', "rights, by fields that only the API sets"],
    [
      '"created_by": 1, "deleted_at": null, "version": 9',
      "another's record, by fields that only the API sets",
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
    why: "what is no object of a patient's fields must be refused as a whole, however deep",
    request,
    body,
    answers: [400],
  }),
);

const text: Hostile[] = each(
  ["\\u0000", "Ada\\u0000", "\\ud800", "\\udc00Ada", "\\ud83e", " \\t\\n ", "", "\\u200b", "x".repeat(65)],
  (firstname) => ({
    name: `the first name ${firstname.slice(0, 20)}`,
    why: "PostgreSQL cannot store it, or nobody can see it",
    request,
    body: whole.replace("Ada", firstname),
    answers: [400],
  }),
);

const encodings: Hostile[] = [
  ...each(["utf-16le", "utf-16be", "gzip"] as const, (encoding) => ({
    name: `a body in ${encoding}`,
    why: "what is no UTF-8 must not be guessed at, nor unpacked: a little may become very much",
    request,
    headers: encoding === "gzip" ? { "Content-Encoding": "gzip" } : {},
    body: whole,
    encoding,
    answers: [400, 415],
  })),
  {
    name: "a name in Latin-1",
    why: "its bytes are no UTF-8, and would be stored as others",
    request,
    body: whole.replace("Ada", "Adélaïde"),
    encoding: "latin1",
    answers: [400],
  },
  { name: "a byte order mark", why: "editors put it there", request, body: `\ufeff${whole}`, answers: [201] },
  {
    name: "two byte order marks",
    why: "no editor does",
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
      why: "a page elsewhere may send it without being asked first",
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
    why: "the answer would be larger than the request, many times",
    request,
    body: `{${PATIENT}, ${manyFields}}`,
    answers: [400],
  },
  {
    name: "one unknown field of 60 KB",
    why: "the answer would repeat it",
    request,
    body: `{"${"x".repeat(60_000)}": 1, ${PATIENT}}`,
    answers: [400],
  },
  {
    name: "a key twice",
    why: "one reader takes the first, another the last",
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
