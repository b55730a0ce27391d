import { each, type Hostile } from "./hostile.ts";

/** A page of the patients after a cursor. */
const after = (cursor: string, answers: number[], why: string): Hostile => ({
  name: `the cursor ${cursor.slice(0, 40)}`,
  why,
  request: `GET /api/patients/?cursor=${cursor}`,
  answers,
});

export const hostileCursors: Hostile[] = [
  after("{cursor}", [200], "the valid one, which the others imitate"),
  ...each(
    [
      ...[
        "{cursor:flip:0}",
        "{cursor:flip:11}",
        "{cursor:flip:12}",
        "{cursor:flip:20}",
        "{cursor:flip:-17}",
        "{cursor:flip:-1}",
      ],
      ...[
        "{cursor}A",
        "A{cursor}",
        "{cursor}{cursor}",
        "{cursor:cut:1}",
        "{cursor:cut:16}",
        "{cursor:cut:40}",
      ],
      ...[
        "%00",
        "null",
        "bnVsbA",
        "e30",
        "eyJpZCI6MX0",
        "A".repeat(16),
        "A".repeat(38),
        "A".repeat(50_000),
        "..%2f..%2f",
        "%ff%fe",
        "'--",
      ],
    ],
    (cursor) => after(cursor, [400], "a changed cursor must not be read"),
  ),
  after("{doctors_cursor}", [400], "it belongs to another list"),
  after("{history_cursor}", [400], "it belongs to a patient's history"),
  after(
    "{others_cursor}",
    [200],
    "it is another account's: a cursor is a position only, and the token decides whose patients are returned",
  ),
  after("{cursor}&sort=-id", [400], "it belongs to another order"),
  after("{cursor}&gender=M", [400], "it belongs to other filters"),
  after("{cursor}&cursor={cursor}", [400], "it is ambiguous"),
  after("{token}", [400], "it is a token, which must not be repeated in the response"),
  {
    name: "a cursor of patients for doctors",
    why: "it belongs to another list",
    request: "GET /api/doctors/?cursor={cursor}",
    answers: [400],
  },
  {
    name: "a cursor as a token",
    why: "both are signed with the same secret",
    request: "GET /api/auth/me/",
    by: "nobody",
    headers: { Authorization: "Bearer {cursor}" },
    answers: [401],
  },
];
