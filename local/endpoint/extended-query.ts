import pg from "pg";

type Values = (string | null)[];

/** What PostgreSQL says about a statement that it has parsed. Types are OIDs of `pg_type`. */
interface StatementDescription {
  parameterTypes: number[];
  columns: pg.FieldDef[];
}

interface StatementResult extends StatementDescription {
  /** The first word of the command tag. Empty for an empty statement. */
  command: string;
  /** null when the command tag has none. */
  rowCount: number | null;
}

/** The connection broke before anything ran on it. The `cause` is the connection's error. */
export class NothingRanError extends Error {
  constructor(cause: unknown) {
    super("the connection broke before the statement ran", { cause });
  }
}

/**
 * Runs one statement with the messages that Neon's proxy sends (`libs/proxy/tokio-postgres2/src/query.rs`): Parse,
 * Describe, Flush; and when PostgreSQL has described the statement Bind, Execute, Sync. All values are text.
 *
 * @param onRow called with each row. What it throws ends the call, while the connection still receives rows.
 * @param signal when it is aborted before Bind, the statement is not executed
 * @throws pg.DatabaseError, after PostgreSQL has released the statement's locks; NothingRanError; another error when
 *   the connection breaks later; what `onRow` throws; the signal's reason
 */
export function executeStatement(
  client: pg.ClientBase,
  text: string,
  execution: { values: Values; onRow: (row: Values) => void; signal: AbortSignal },
): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    client.query(new ExtendedQuery({ text, execution, resolve, reject }));
  });
}

/**
 * Asks PostgreSQL for the types of a statement's parameters and columns. The statement is not executed.
 *
 * @throws pg.DatabaseError; NothingRanError
 */
export function describeStatement(client: pg.ClientBase, text: string): Promise<StatementDescription> {
  return new Promise((resolve, reject) => {
    client.query(new ExtendedQuery({ text, resolve, reject }));
  });
}

interface ExtendedQueryConfig {
  text: string;
  /** Without it the statement is only described. */
  execution?: Parameters<typeof executeStatement>[2];
  resolve(result: StatementResult): void;
  reject(error: unknown): void;
}

/** The part of pg's connection that is used here. In `@types/pg` the messages have the parameters of pg 7. */
type Connection = Pick<pg.Connection, "stream" | "flush" | "sync" | "once" | "off"> & {
  parse(message: { text: string }): void;
  describe(message: { type: "S" }): void;
  bind(message: { values: Values }): void;
  execute(message: object): void;
  sendCopyFail(reason: string): void;
};

/** A statement for pg's `client.query`, which calls the `handle…` methods with PostgreSQL's messages. */
class ExtendedQuery {
  readonly #config: ExtendedQueryConfig;
  readonly #result: StatementResult = { command: "", rowCount: null, columns: [], parameterTypes: [] };
  #connection: Connection | undefined;
  #isBound = false;
  #isSynced = false;

  constructor(config: ExtendedQueryConfig) {
    this.#config = config;
  }

  submit(pgConnection: pg.Connection): void {
    const connection = pgConnection as unknown as Connection;
    this.#connection = connection;
    // pg passes all messages to the query but these two.
    connection.once("parameterDescription", this.#handleParameters).once("noData", this.#handleDescribed);
    connection.stream.cork(); // one packet
    connection.parse({ text: this.#config.text });
    connection.describe({ type: "S" });
    connection.flush();
    connection.stream.uncork();
  }

  readonly #handleParameters = ({ dataTypeIDs }: { dataTypeIDs: number[] }): void => {
    this.#result.parameterTypes = dataTypeIDs;
  };

  handleRowDescription({ fields }: { fields: pg.FieldDef[] }): void {
    this.#result.columns = fields;
    this.#handleDescribed();
  }

  readonly #handleDescribed = (): void => {
    const { execution, reject } = this.#config;
    this.#stopListening();
    if (execution?.signal.aborted) reject(execution.signal.reason);
    else if (execution) this.#execute(execution.values);
    else this.#sync();
  };

  #execute(values: Values): void {
    this.#isBound = true;
    this.#connection?.stream.cork();
    this.#connection?.bind({ values });
    this.#connection?.execute({});
    this.#sync();
    this.#connection?.stream.uncork();
  }

  handleDataRow({ fields }: { fields: Values }): void {
    try {
      this.#config.execution?.onRow(fields);
    } catch (error) {
      this.#config.reject(error);
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const count = / (\d+)$/.exec(text)?.[1];
    this.#result.command = text.split(" ", 1)[0] ?? "";
    this.#result.rowCount = count === undefined ? null : Number(count);
  }

  handleEmptyQuery(): void {}

  handleCopyInResponse(): void {
    this.#connection?.sendCopyFail("there is no COPY FROM STDIN over HTTP");
    this.#sync(); // PostgreSQL ignores the Sync that it gets while it waits for data
  }

  handleCopyData(): void {}

  handleReadyForQuery(): void {
    this.#config.resolve(this.#result);
  }

  /** pg calls no other method after this one. `error` is PostgreSQL's, or that of a broken connection. */
  handleError(error: unknown): void {
    this.#stopListening();
    if (this.#connection && error instanceof pg.DatabaseError) this.#rejectWhenReady(this.#connection, error);
    else this.#rejectBroken(error);
  }

  /** After its error PostgreSQL releases the statement's locks, and then is ready or ends the connection. */
  #rejectWhenReady(connection: Connection, error: pg.DatabaseError): void {
    const handleReady = () => {
      connection.off("end", handleEnd);
      this.#config.reject(error);
    };
    const handleEnd = () => {
      connection.off("readyForQuery", handleReady);
      this.#rejectBroken(error);
    };
    connection.once("readyForQuery", handleReady).once("end", handleEnd);
    // After a refused Parse, PostgreSQL ignores everything until Sync.
    if (!this.#isSynced) this.#sync();
  }

  #rejectBroken(error: unknown): void {
    this.#config.reject(this.#isBound ? error : new NothingRanError(error));
  }

  #sync(): void {
    this.#isSynced = true;
    this.#connection?.sync();
  }

  #stopListening(): void {
    this.#connection
      ?.off("parameterDescription", this.#handleParameters)
      .off("noData", this.#handleDescribed);
  }
}
