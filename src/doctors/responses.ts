import { recordOf } from "../http/responses.ts";
import type * as z from "../zod.ts";
import { fields } from "./requests.ts";

export const Doctor = recordOf(fields);
export type Doctor = z.infer<typeof Doctor>;
