import { personInResponse, resourceSchema } from "../http/responses.ts";
import type * as z from "../zod.ts";
import { doctorFields } from "./requests.ts";

export const Doctor = resourceSchema({ ...doctorFields, ...personInResponse });
export type Doctor = z.infer<typeof Doctor>;
