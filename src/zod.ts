import { en } from "zod/locales";
import * as z from "zod/mini";

// zod/mini is less than half of zod in the Worker, and has no messages of its own. It is imported from here, so that
// they are there whichever module is loaded first. For what is left out, the English ones would say what was expected.
z.config({ ...en(), customError: ({ input }) => (input === undefined ? "Required" : undefined) });

export * from "zod/mini";
