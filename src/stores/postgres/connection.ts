import type { StoreOperation } from "../../errors.ts";
import { inTime } from "../../runtime/deadline.ts";
import { faults, keepsConnection, storeError } from "./errors.ts";
import { pollPhase } from "./poll-phase.ts";
import type { PgClient, PgConnection, PgPool, PostgresSql } from "./clients.ts";

/** A statement to send to the database. */
export interface Statement {
  /** The store's operation, for error messages. */
  readonly operation: StoreOperation;
  readonly text: string;
  /** Its parameters. Without any, the text may contain several statements. */
  readonly values: readonly (string | number | null)[];
  /** When its caller stops waiting, as `performance.now()`. */
  readonly deadline: number;
}

/** Sends a statement and returns the first column of each row, which is text in all of the store's statements. */
export type Connection = (statement: Statement) => Promise<readonly (string | null)[]>;

/** Node throws an unhandled `error` event, which would end the process. */
const ignore = (): void => {};

const watched = new WeakSet<PgPool | PgConnection>();

/** Ignores a lost connection, since the next call uses another. The app's own listeners still run. */
function watch(client: PgPool | PgConnection): void {
  if (watched.has(client)) return;
  watched.add(client);
  client.on("error", ignore);
}

function watchPool(pool: PgPool): void {
  if (watched.has(pool)) return;
  watch(pool);
  // From the start: a new connection may end right after the pool has removed its own listener.
  pool.on("connect", watch);
}

/** Sends through a `Pool` of pg. A connection that does not answer in time is closed, to make room for another. */
export function overPool(pool: PgPool): Connection {
  watchPool(pool);
  return async (statement) => {
    const client = await inTime(
      pool.connect(),
      statement.deadline,
      () => storeError(statement.operation, faults[pool.waitingCount > 0 ? "noConnection" : "noAnswer"]),
      // A connection that arrives after the deadline goes back unused.
      (late) => late.release(),
    );
    // The connection may be older than this store.
    watch(client);
    let broken = true;
    try {
      const rows = await queryPg(client, statement);
      broken = false;
      return rows;
    } catch (error) {
      broken = !keepsConnection(error);
      throw error;
    } finally {
      client.release(broken);
    }
  };
}

/** Sends through the one connection of a `Client` of pg, one statement after the other. */
export function overClient(client: PgClient): Connection {
  watch(client);
  let last: Promise<unknown> = Promise.resolve();
  return async (statement) => {
    const answer = last.then(async () => queryPg(client, statement));
    last = answer.catch(ignore);
    return answer;
  };
}

async function queryPg(client: PgConnection, statement: Statement): Promise<(string | null)[]> {
  const { operation, text, values, deadline } = statement;
  const left = Math.floor(deadline - performance.now());
  if (left < 1) throw storeError(operation, faults.noConnection);
  // Unnamed, so that a pooler can send each statement through another connection.
  const { rows } = await client.query({
    text,
    ...(values.length > 0 && { values: [...values] }),
    rowMode: "array",
    query_timeout: left,
  });
  return firstColumn(rows);
}

/**
 * Sends through postgres.js, which has its own pool. Statements wait here for a free connection: its own
 * queue would also send those past their deadline, and cancelling one there that waits for a connection to
 * open loses that connection for good (3.4.9).
 */
export function overSql(sql: PostgresSql): Connection {
  const slots = new Slots(sql.options.max);
  const release = (): void => slots.release();
  return async (statement) => {
    const { deadline, operation } = statement;
    await inTime(slots.take(), deadline, () => storeError(operation, faults.noConnection), release);
    await pollPhase();
    // `prepare: false` in the user's options still turns named statements off.
    const query = sql.unsafe(statement.text, [...statement.values], { prepare: true }).values();
    query.then(release, release);
    const fault = () => storeError(operation, query.state === null ? faults.noConnection : faults.noAnswer);
    return firstColumn(await inTime(query, deadline, fault));
  };
}

/** A counting semaphore, first come, first served. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#free -= 1;
    return undefined;
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

function firstColumn(rows: unknown): (string | null)[] {
  if (!Array.isArray(rows)) throw new TypeError("The client did not return rows.");
  return rows.map((row: unknown) => {
    const value: unknown = Array.isArray(row) ? row[0] : undefined;
    if (typeof value !== "string" && value !== null) throw new TypeError("The client did not return text.");
    return value;
  });
}
