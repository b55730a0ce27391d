import { neonConfig } from "@neondatabase/serverless";

/** A statement as it goes to the database. */
export interface Statement {
  query: string;
  params: unknown[];
  /** What the database answered, once it has; as it came. */
  answer?: string;
}

/** Listens to the database driver during `work`, which sees the statements as they are sent; gives them back. */
export async function recordStatements(
  work: (recorded: Statement[]) => Promise<unknown>,
): Promise<Statement[]> {
  const recorded: Statement[] = [];
  neonConfig.fetchFunction = async (url: string, init: RequestInit) => {
    const statement: Statement = JSON.parse(String(init.body));
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
