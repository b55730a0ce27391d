import { inject } from "vitest";

const worker = Number(process.env["VITEST_POOL_ID"]);
const provided = inject("workerDatabases")[worker - 1];
if (!provided) throw new Error(`There is no database for test worker ${worker}.`);

/** The database of this worker, which runs one test file at a time: no other file sees or changes what is in it. */
export const workerDatabase = provided;
