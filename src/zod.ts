import { en } from "zod/locales";
import * as z from "zod/mini";

// zod/mini adds less than half of zod to the Worker, and has no messages of its own. All modules import it from here,
// so that the messages are configured whichever module is loaded first. The English message of a missing value would
// name the expected type.
z.config({ ...en(), customError: ({ input }) => (input === undefined ? "Required" : undefined) });

export * from "zod/mini";
