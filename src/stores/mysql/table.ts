import { retryIfSafe } from "../../runtime/retry.ts";
import { ConfigError, unreadableRecord } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { CasRow, CasStoreOptions } from "../../record/compare-and-set.ts";
import type { Connection, Reply } from "./connection.ts";
import {
  asStoreError,
  faults,
  isConnectionLost,
  isDuplicate,
  isMissing,
  lostToAnother,
  storeError,
} from "./errors.ts";
import { migrationsFrom, serverClock, serverFrom, settingsQuery, tableFrom, tableQuery } from "./schema.ts";
import type { Found, Server } from "./schema.ts";

/** How many rows one statement deletes at most. MariaDB turns a list of 1,000 values into a subquery. */
const maxDeleted = 500;

/** The functions of `casStore` on a table of MySQL or MariaDB, independent of the client library. */
export class SessionTable {
  readonly functions: Omit<CasStoreOptions, "name"> = {
    insert: async (row, timeout) => this.#insert(row, timeout),
    get: async (id) => this.#get(id),
    replaceIf: async (row, revision, timeout) => this.#replaceIf(row, revision, timeout),
    bySubject: async (subject, now) => this.#bySubject(subject, now),
    sweep: async (now, limit) => this.#sweep(now, limit),
  };
  readonly #send: Connection;
  readonly #table: string;
  readonly #timeout: number;
  /** The startup: inspection and migration of the database. If it fails, the next call tries again. */
  #ready: Promise<Server> | undefined;
  /** How many milliseconds the server's clock is ahead of `performance.now()`, as of its last answer. */
  #ahead = 0;
  readonly #warned = new Set<string>();

  constructor(send: Connection, table: string, timeout: number) {
    this.#send = send;
    this.#table = table;
    this.#timeout = timeout;
  }

  async migrate(): Promise<void> {
    this.#ready = undefined;
    await this.#run("open", Infinity, async () => {});
  }

  /** @returns whether there was no row with this id. */
  async #insert({ id, revision, subject, expiresAt, bytes }: CasRow, timeout: number): Promise<boolean> {
    const values = [bytesOf(id), integer(revision), bytesOf(subject), integer(expiresAt), blob(bytes)];
    return this.#run("create", timeout, async (server, deadline) => {
      try {
        const statement = `INSERT INTO \`${this.#table}\` (\`id\`, \`revision\`, \`subject\`, \`expires_at\`, \`record\`)
          SELECT ${values.join(", ")} FROM DUAL WHERE `;
        return await this.#write("create", server, statement, deadline);
      } catch (error) {
        // Not counted by `affectedRows`, whose meaning depends on the client's flags for an insert that changes nothing.
        if (isDuplicate(error)) return false;
        throw error;
      }
    });
  }

  async #get(id: string): Promise<Pick<CasRow, "bytes"> | undefined> {
    const query = `\`record\` FROM \`${this.#table}\` WHERE \`id\` = ${bytesOf(id)}`;
    const [row] = await this.#run("read", Infinity, async (server, deadline) =>
      this.#query("read", server, query, deadline),
    );
    if (row === undefined) return undefined;
    const [bytes] = row;
    if (bytes instanceof Uint8Array) return { bytes };
    throw unreadableRecord("read");
  }

  async #replaceIf(
    { id, revision, subject, expiresAt, bytes }: CasRow,
    expected: number,
    timeout: number,
  ): Promise<boolean> {
    const row = `\`revision\` = ${integer(revision)}, \`subject\` = ${bytesOf(subject)},
      \`expires_at\` = ${integer(expiresAt)}, \`record\` = ${blob(bytes)}`;
    return this.#run("patch", timeout, async (server, deadline) =>
      this.#write(
        "patch",
        server,
        `UPDATE \`${this.#table}\` SET ${row}
         WHERE \`id\` = ${bytesOf(id)} AND \`revision\` = ${integer(expected)} AND `,
        deadline,
      ),
    );
  }

  async #bySubject(subject: string, now: number): Promise<readonly Pick<CasRow, "id" | "bytes">[]> {
    const query = `\`id\`, \`record\` FROM \`${this.#table}\`
      WHERE \`subject\` = ${bytesOf(subject)} AND \`expires_at\` > ${integer(now)}`;
    const rows = await this.#run("list", Infinity, async (server, deadline) =>
      this.#query("list", server, query, deadline),
    );
    return rows.flatMap(([id, bytes]) =>
      id instanceof Uint8Array && bytes instanceof Uint8Array ? [{ id: String(id), bytes }] : [],
    );
  }

  /** In two statements: one that looks for the rows itself locks more than them, and gets into deadlocks with updates. */
  async #sweep(now: number, limit: number): Promise<number> {
    const expired = `\`expires_at\` <= ${integer(now)}`;
    let deleted = 0;
    return this.#run("sweep", Infinity, async (server, deadline) => {
      for (;;) {
        const count = Math.min(limit - deleted, maxDeleted);
        const query = `\`id\` FROM \`${this.#table}\` WHERE ${expired} ORDER BY \`expires_at\` LIMIT ${integer(count)}`;
        const rows = count < 1 ? [] : await this.#query("sweep", server, query, deadline);
        if (rows.length === 0) return deleted;
        const ids = rows.map(([id]) => blob(id ?? new Uint8Array())).join(", ");
        const statement = `DELETE FROM \`${this.#table}\` WHERE \`id\` IN (${ids}) AND ${expired}`;
        const { affectedRows } = await this.#ask("sweep", server, statement, deadline);
        deleted += affectedRows;
        if (rows.length < count) return deleted;
      }
    });
  }

  /** Runs a call after the startup. Retries it if that is safe and may help. */
  async #run<T>(
    operation: StoreOperation,
    timeout: number,
    work: (server: Server, deadline: number) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + Math.min(this.#timeout, timeout);
    try {
      return await retryIfSafe(async () => work(await (this.#ready ??= this.#start(deadline)), deadline), {
        deadline,
        isRead: operation === "read",
        isConnectionLost,
        wasNotExecuted: (error) => {
          // Somebody removed the table. The next call inspects the database again.
          if (isMissing(error)) this.#ready = undefined;
          return lostToAnother(error) || error === tooLate;
        },
      });
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw error === tooLate ? storeError(operation, faults.late) : asStoreError(operation, error);
    }
  }

  async #start(deadline: number): Promise<Server> {
    try {
      const send = async (statement: string): Promise<Reply> =>
        this.#send({ operation: "open", text: () => statement, deadline });
      const look = async (): Promise<Found> => {
        const found = tableFrom((await send(tableQuery(this.#table))).rows, this.#table);
        this.#ahead = found.clock - performance.now();
        return found;
      };
      const server = serverFrom((await send(settingsQuery)).rows);
      const { version } = await look();
      for (const [at, step] of migrationsFrom(version, this.#table).entries()) {
        try {
          await send(step);
        } catch (error) {
          // Another process may have been faster.
          if ((await look()).version <= version + at) throw error;
        }
      }
      for (const [code, warning] of Object.entries(server.weaknesses)) this.#warn(code, warning);
      return server;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  #warn(code: string, warning: string): void {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    process.emitWarning(warning, { type: "CoatcheckWarning", code });
  }

  /**
   * Sends a statement that writes one row, if it is not too late for that.
   *
   * @param statement without its last condition, which is about the time. The server evaluates it when it has the row's lock,
   *   and returns the time that it saw, since that is what `LAST_INSERT_ID` is passed.
   * @returns whether it wrote.
   */
  async #write(
    operation: StoreOperation,
    server: Server,
    statement: string,
    deadline: number,
  ): Promise<boolean> {
    const latest = Math.floor(deadline + this.#ahead);
    const notLate = `LAST_INSERT_ID(${serverClock}) < ${integer(latest)}`;
    const { affectedRows, insertId } = await this.#ask(operation, server, statement + notLate, deadline);
    if (insertId > 0) this.#ahead = insertId - performance.now();
    if (affectedRows === 1) return true;
    if (insertId >= latest) throw tooLate;
    return false;
  }

  /** Sends a SELECT, without this word. */
  async #query(
    operation: StoreOperation,
    server: Server,
    query: string,
    deadline: number,
  ): Promise<Reply["rows"]> {
    const { rows } = await this.#ask(operation, server, `SELECT ${query}`, deadline);
    return rows;
  }

  async #ask(operation: StoreOperation, server: Server, statement: string, deadline: number): Promise<Reply> {
    const text = (patience: number): string =>
      server.isMariadb
        ? `SET STATEMENT max_statement_time = ${patience / 1000} FOR ${statement}`
        : // MySQL limits only queries. There, writes wait for a lock as long as innodb_lock_wait_timeout allows.
          statement.replace(/^SELECT /, `SELECT /*+ MAX_EXECUTION_TIME(${patience}) */ `);
    return this.#send({ operation, text, deadline });
  }
}

/** Thrown if the server reports that a write came too late and had no effect. */
const tooLate = new Error("late");

/** A literal that means the same in every SQL mode and character set. */
function blob(bytes: Uint8Array): string {
  return `x'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}'`;
}

function bytesOf(value: string | null): string {
  return value === null ? "NULL" : blob(Buffer.from(value));
}

/** @throws RangeError if it is no number. */
function integer(value: number): string {
  return BigInt(Math.floor(value)).toString();
}
