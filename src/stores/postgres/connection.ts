import type { StoreOperation } from "../../errors.ts";
import { faults, keepsConnection, storeError } from "./errors.ts";
import { pollPhase } from "./poll-phase.ts";
import type { PgClient, PgConnection, PgPool, PostgresSql } from "./clients.ts";

/** One call of the database. */
export interface Statement {
  /** What it is for, in errors. */
  readonly operation: StoreOperation;
  readonly text: string;
  /** None: the text may be several statements in one. */
  readonly values: readonly (string | number | null)[];
  /** When its caller stops waiting, as `performance.now()` tells the time. */
  readonly deadline: number;
}

/** Sends a statement and answers the first column of each row; every statement's is text. */
export type Connection = (statement: Statement) => Promise<readonly (string | null)[]>;

/** What nobody listens to is thrown, and ends the process: such is Node's rule for `error` events. */
const ignore = (): void => {};

const watched = new WeakSet<PgPool | PgConnection>();

/** Connections end now and then, and the next call finds another. Others' listeners go on hearing of it. */
function watch(client: PgPool | PgConnection): void {
  if (watched.has(client)) return;
  watched.add(client);
  client.on("error", ignore);
}

function watchPool(pool: PgPool): void {
  if (watched.has(pool)) return;
  watch(pool);
  // From the first moment: a new connection may end in the same breath, when the pool listens no more.
  pool.on("connect", watch);
}

/** Through a `Pool` of pg. A connection that did not answer in time is closed, and makes room for another. */
export function overPool(pool: PgPool): Connection {
  watchPool(pool);
  return async (statement) => {
    const client = await inTime(
      pool.connect(),
      statement,
      () => faults[pool.waitingCount > 0 ? "noConnection" : "noAnswer"],
      // It comes when nobody waits any more: nothing was sent on it.
      (late) => late.release(),
    );
    // One that was there before this store was.
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

/** Over the one connection of a `Client` of pg, one statement after the other. */
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
  // Unnamed, so that a pooler may send each through another connection.
  const { rows } = await client.query({
    text,
    ...(values.length > 0 && { values: [...values] }),
    rowMode: "array",
    query_timeout: left,
  });
  return firstColumn(rows);
}

/**
 * Through postgres.js, which has its own pool. What finds none of its connections free waits here: its
 * own queue would go on sending what nobody waits for any more, and cancelling there a statement that
 * waits for a connection to open loses that connection for good (3.4.9).
 */
export function overSql(sql: PostgresSql): Connection {
  const slots = new Slots(sql.options.max);
  const release = (): void => slots.release();
  return async (statement) => {
    await inTime(slots.take(), statement, () => faults.noConnection, release);
    await pollPhase();
    // Named statements where the user left them on; `prepare: false` in their options turns them off.
    const query = sql.unsafe(statement.text, [...statement.values], { prepare: true }).values();
    query.then(release, release);
    const fault = () => (query.state === null ? faults.noConnection : faults.noAnswer);
    return firstColumn(await inTime(query, statement, fault));
  };
}

/** So many may go on at once; others wait for their turn. */
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
  if (!Array.isArray(rows)) throw new TypeError("The client did not answer with rows.");
  return rows.map((row: unknown) => {
    const value: unknown = Array.isArray(row) ? row[0] : undefined;
    if (typeof value !== "string" && value !== null)
      throw new TypeError("The client did not answer with text.");
    return value;
  });
}

/** The answer, if it comes before the deadline; otherwise the fault, and a late answer goes to `onLate`. */
async function inTime<T>(
  answer: PromiseLike<T>,
  { operation, deadline }: Statement,
  fault: () => (typeof faults)[keyof typeof faults],
  onLate: (answer: T) => void = ignore,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        over = true;
        reject(storeError(operation, fault()));
      },
      Math.max(0, deadline - performance.now()),
    );
  });
  const settled = async (): Promise<T> => {
    const value = await answer;
    if (over) onLate(value);
    return value;
  };
  try {
    return await Promise.race([settled(), late]);
  } finally {
    clearTimeout(timer);
  }
}
