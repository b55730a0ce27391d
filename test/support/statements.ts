import { neonConfig } from "@neondatabase/serverless";

/** A statement as it is sent to the database. */
export interface RecordedStatement {
  query: string;
  params: unknown[];
  /** The database's answer as text, once it has come. */
  answer?: string;
}

/**
 * Records the statements that are sent during `work`, which may read them already. @returns them in the order in
 * which they were sent
 */
export async function recordStatements(
  work: (recorded: RecordedStatement[]) => Promise<unknown>,
): Promise<RecordedStatement[]> {
  const recorded: RecordedStatement[] = [];
  neonConfig.fetchFunction = async (url: string, init: RequestInit) => {
    const statement: RecordedStatement = JSON.parse(String(init.body));
    recorded.push(statement);
    const response = await fetch(url, init);
    statement.answer = await response.clone().text();
    return response;
  };
  try {
    await work(recorded);
  } finally {
    neonConfig.fetchFunction = undefined;
  }
  return recorded;
}
