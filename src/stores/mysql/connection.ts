import type { StoreOperation } from "../../errors.ts";
import { inTime } from "../../runtime/deadline.ts";
import { asStoreError, faults, keepsConnection, storeError } from "./errors.ts";

/** A statement to send to the database. */
export interface Statement {
  /** The store's operation, for error messages. */
  readonly operation: StoreOperation;
  /**
   * Complete, without parameters.
   *
   * @param patience how many milliseconds it may take on the server, so that its answer arrives before the deadline. It is known
   *   when there is a connection.
   */
  readonly text: (patience: number) => string;
  /** When its caller stops waiting, as `performance.now()`. */
  readonly deadline: number;
}

/** A value as the server sent it, whatever its type. */
export type Cell = Buffer | null;

/** What the server answered. */
export interface Reply {
  readonly rows: readonly (readonly Cell[])[];
  /** How many rows were written; 0 for a query. */
  readonly affectedRows: number;
  /** What the statement passed to `LAST_INSERT_ID`; 0 if nothing. */
  readonly insertId: number;
}

/** Sends a statement. */
export type Connection = (statement: Statement) => Promise<Reply>;

/** What the store passes to the method `query` of a client. It overrides options of the client's, so that all of them answer alike. */
export interface MysqlQuery {
  readonly sql: string;
  readonly rowsAsArray: true;
  readonly typeCast: (column: { buffer(): Buffer | null }) => Buffer | null;
  /** `mariadb` would put a `SET STATEMENT` of its own before the statement. */
  readonly timeout: 0;
  readonly nestTables: false;
  /** Only `mariadb` knows it. */
  readonly metaAsArray: false;
}

/** What the store uses of a connection. */
export interface MysqlQueryable {
  query(query: MysqlQuery): Promise<unknown>;
  destroy(): void;
}

/** The part of a pool that the store uses. */
export interface ConnectionPool {
  getConnection(): Promise<MysqlQueryable & { release(): unknown }>;
}

/** The package that a client is from. */
export type Library = "mysql2" | "mariadb";

/** Node throws an unhandled `error` event, which would end the process. */
const ignore = (): void => {};

const watched = new WeakSet<object>();

/** Ignores a lost connection, since the next call uses another. The app's own listeners still run. */
function watch(emitter: unknown): void {
  if (!isEmitter(emitter) || watched.has(emitter)) return;
  watched.add(emitter);
  emitter.on("error", ignore);
}

/**
 * Sends through a pool. A connection that does not answer in time is closed, to make room for another.
 *
 * @param emitter what emits the pool's events.
 */
export function overPool(pool: ConnectionPool, emitter: unknown, library: Library): Connection {
  if (isEmitter(emitter) && !watched.has(emitter)) {
    watch(emitter);
    // From the start: a new connection may end right after the pool has removed its own listener.
    if (library === "mysql2") emitter.on("connection", watch);
  }
  return async (statement) => {
    const connection = await connect(pool, statement);
    // The connection may be older than this store. `mysql2` emits its events on an object inside.
    if ("connection" in connection) watch(connection.connection);
    let broken = true;
    try {
      const reply = await answered(ask(connection, statement, library), statement);
      broken = false;
      return reply;
    } catch (error) {
      broken = !keepsConnection(error);
      throw error;
    } finally {
      if (broken) connection.destroy();
      else release(connection);
    }
  };
}

async function connect(
  pool: ConnectionPool,
  statement: Statement,
): ReturnType<ConnectionPool["getConnection"]> {
  try {
    const { deadline, operation } = statement;
    const fault = () => storeError(operation, faults.noConnection);
    return await inTime(pool.getConnection(), deadline, fault, release);
  } catch (error) {
    throw asStoreError(statement.operation, error);
  }
}

/** Sends through one connection, one statement after the other. */
export function overConnection(connection: MysqlQueryable, emitter: unknown, library: Library): Connection {
  watch(emitter);
  return async (statement) => answered(ask(connection, statement, library), statement);
}

async function answered(answer: Promise<Reply>, { deadline, operation }: Statement): Promise<Reply> {
  return inTime(answer, deadline, () => storeError(operation, faults.noAnswer));
}

function release(connection: { release(): unknown }): void {
  // That of `mariadb` returns a promise.
  Promise.resolve(connection.release()).catch(ignore);
}

const asBytes: MysqlQuery["typeCast"] = (column) => column.buffer();

async function ask(connection: MysqlQueryable, statement: Statement, library: Library): Promise<Reply> {
  const left = statement.deadline - performance.now();
  if (left <= 0) throw storeError(statement.operation, faults.noConnection);
  const answer = await connection.query({
    sql: statement.text(Math.max(1, Math.floor(left * 0.9))),
    rowsAsArray: true,
    typeCast: asBytes,
    timeout: 0,
    nestTables: false,
    metaAsArray: false,
  });
  // `mysql2` returns the rows and the columns.
  return replyFrom(library === "mysql2" && Array.isArray(answer) ? answer[0] : answer);
}

function replyFrom(answer: unknown): Reply {
  if (Array.isArray(answer)) {
    if (answer.every(isRow)) return { rows: answer, affectedRows: 0, insertId: 0 };
  } else if (typeof answer === "object" && answer !== null) {
    // Numbers, big integers or text, depending on the client's options.
    const affectedRows = Number(Reflect.get(answer, "affectedRows"));
    const insertId = Number(Reflect.get(answer, "insertId"));
    if (Number.isFinite(affectedRows) && Number.isFinite(insertId))
      return { rows: [], affectedRows, insertId };
  }
  throw new TypeError("The client returned neither rows nor a result.");
}

function isRow(row: unknown): row is Cell[] {
  return Array.isArray(row) && row.every((cell) => cell === null || cell instanceof Uint8Array);
}

interface Emitter {
  on(event: string, listener: (value: unknown) => void): unknown;
}

function isEmitter(value: unknown): value is Emitter {
  return typeof value === "object" && value !== null && "on" in value && typeof value.on === "function";
}
