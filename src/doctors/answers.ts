import { recordOf } from "../http/answers.ts";
import type * as z from "../zod.ts";
import { fields } from "./contract.ts";

export const Doctor = recordOf(fields);
export type Doctor = z.infer<typeof Doctor>;
