/** A request that somebody sends who means no good, and what it must be answered. */
export interface Hostile {
  name: string;
  /** What it would do, were it not refused. */
  why: string;
  /** Method and path; what stands in braces, as `{patient}`, the test has made: `walk.ts` says what there is. */
  request: string;
  /** Without a token, when it is nobody. */
  by?: "nobody";
  headers?: Record<string, string>;
  /** The body, as it is; in JSON unless the headers say otherwise. */
  body?: string;
  /** In which bytes the body is sent; UTF-8 when left out. */
  encoding?: "utf-16le" | "utf-16be" | "latin1" | "gzip";
  /** The statuses that are right. */
  answers: number[];
}

/** A patient's fields, with an email that nobody has yet. */
export const PATIENT =
  '"firstname": "Ada", "lastname": "Lovelace", "email": "{email}", "gender": "F", "age": 36';

/** The same with another age, as JSON has it. */
export const aged = (age: string): string => `{${PATIENT.replace(/36$/, age)}}`;

/** Cases that are alike but for one thing. */
export const each = <Thing>(things: Thing[], make: (thing: Thing) => Hostile): Hostile[] => things.map(make);
