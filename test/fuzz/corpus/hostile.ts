/** A request of an attacker, and the statuses that are correct for it. */
export interface Hostile {
  name: string;
  /** What an attack of this kind could do. */
  why: string;
  /**
   * Method and path. Names in braces, such as `{patient}`, are replaced by the values of `createScene` in `walk.ts`.
   */
  request: string;
  /** `nobody` sends it without a token. */
  by?: "nobody";
  headers?: Record<string, string>;
  /** The body, sent as it is; the media type is JSON unless the headers have another. */
  body?: string;
  /** The encoding of the body; UTF-8 when left out. */
  encoding?: "utf-16le" | "utf-16be" | "latin1" | "gzip";
  /** The correct statuses. */
  answers: number[];
}

/** The fields of a patient, with a new email each time. */
export const PATIENT =
  '"firstname": "Ada", "lastname": "Lovelace", "email": "{email}", "gender": "F", "age": 36';

/** The body with another age, which is written into the JSON as it is. */
export const aged = (age: string): string => `{${PATIENT.replace(/36$/, age)}}`;

/** Cases that differ in one thing only. */
export const each = <Thing>(things: Thing[], make: (thing: Thing) => Hostile): Hostile[] => things.map(make);
