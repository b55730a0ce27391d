import { personInResponse, resourceSchema } from "../http/responses.ts";
import * as z from "../zod.ts";
import { doctorFields } from "./requests.ts";

export const Doctor = resourceSchema({ ...doctorFields, ...personInResponse });
export type Doctor = z.infer<typeof Doctor>;

const count = z.int().check(z.nonnegative());

/** What became of the assignments of a doctor who leaves. */
export const Reassignment = z.strictObject({
  /** The patients who have the other doctor now. */
  reassigned: count,
  /** The patients who had the other doctor already. */
  already: count,
  /** The appointments that were cancelled. */
  cancelled: count,
  /** Whether there may be others: the same request goes on. */
  more: z.boolean(),
});
export type Reassignment = z.infer<typeof Reassignment>;
