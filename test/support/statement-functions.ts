import { asOwner, owner } from "./owner.ts";

/** The functions of the statements whose name matches a LIKE pattern: how each is dropped, and created again. */
export async function readFunctions(pattern: string): Promise<{ drop: string; create: string }[]> {
  const rows = await asOwner`
    SELECT 'DROP FUNCTION ' || oid::regprocedure AS drop, pg_get_functiondef(oid) AS create FROM pg_proc
    WHERE pronamespace = 'statements'::regnamespace AND proname LIKE ${pattern}`;
  return rows as { drop: string; create: string }[];
}

/** Drops functions of statements for the duration of `work`. The Worker's role may call them again afterwards. */
export async function withoutFunctions<Done>(pattern: string, work: () => Promise<Done>): Promise<Done> {
  const functions = await readFunctions(pattern);
  const sql = owner();
  await sql.transaction(functions.map(({ drop }) => sql.query(drop)));
  try {
    return await work();
  } finally {
    await owner().transaction(functions.map(({ create }) => sql.query(create)));
  }
}

/** Runs a statement of the owner's for the duration of `work`, and then the one that takes it back. */
export async function duringChange<Done>(
  change: string,
  takeBack: string,
  work: () => Promise<Done>,
): Promise<Done> {
  await owner().query(change);
  try {
    return await work();
  } finally {
    await owner().query(takeBack);
  }
}
