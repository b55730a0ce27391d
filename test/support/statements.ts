import { neonConfig } from "@neondatabase/serverless";

/** A statement as it goes to the database. */
export interface Statement {
  query: string;
  params: unknown[];
}

/** Listens to the database driver during `work`, which sees the statements as they are sent; gives them back. */
export async function recordStatements(
  work: (recorded: Statement[]) => Promise<unknown>,
): Promise<Statement[]> {
  const recorded: Statement[] = [];
  neonConfig.fetchFunction = (url: string, init: RequestInit) => {
    recorded.push(JSON.parse(String(init.body)));
    return fetch(url, init);
  };
  try {
    await work(recorded);
  } finally {
    neonConfig.fetchFunction = undefined;
  }
  return recorded;
}
