import { retryIfSafe } from "../../runtime/retry.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import type { SessionRecord } from "../../record/record.ts";
import type { Patch, PatchOutcome } from "../../record/patch.ts";
import type { Store } from "../../record/store.ts";
import { recordsAtOnce, turn } from "../../runtime/time-slices.ts";
import { ConfigError, unreadableRecord } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import { answersTo, isTexts, objectOf } from "./answers.ts";
import type { Answer } from "./answers.ts";
import { Batches } from "./batches.ts";
import type { Call } from "./batches.ts";
import type { Connection } from "./connection.ts";
import { asStoreError, faults, isConnectionLost, lostToAnother, sqlState, storeError } from "./errors.ts";
import type { SchemaNames } from "./names.ts";
import { patchText, recordFrom, recordText } from "./record-json.ts";
import { found, inspection, latestVersion, migration } from "./schema.ts";

/** The store, independent of the client library. */
export class PgStore implements Store {
  readonly name = "postgres";
  readonly inProcess = false;
  readonly #send: Connection;
  readonly #names: SchemaNames;
  readonly #durable: 0 | 1;
  readonly #timeout: number;
  /** The startup: inspection and migration of the database. If it fails, the next call tries again. */
  #ready: Promise<void> | undefined;
  /** How many milliseconds the server's clock is ahead of `performance.now()`, as of its last answer. */
  #ahead = 0;
  readonly #warned = new Set<string>();
  readonly #creations = new Batches<Answer>(async (...calls) => this.#writeAll("create", ...calls));
  readonly #reads = new Batches<unknown>(async (...calls) => this.#readAll(...calls));
  readonly #patches = new Batches<Answer>(async (...calls) => this.#writeAll("patch", ...calls));

  constructor(send: Connection, names: SchemaNames, durable: boolean, timeout: number) {
    this.#send = send;
    this.#names = names;
    this.#durable = durable ? 1 : 0;
    this.#timeout = timeout;
  }

  async migrate(): Promise<void> {
    this.#ready = undefined;
    await this.#run("open", async () => {});
  }

  async create(record: SessionRecord, timeout?: number): Promise<boolean> {
    const text = recordText(record);
    const work = async (deadline: number): Promise<boolean> => {
      const { kind } = await this.#written(this.#creations, { text, deadline });
      if (kind === "created" || kind === "taken") return kind === "created";
      throw unreadableRecord("create");
    };
    return this.#run("create", work, timeout);
  }

  async read(id: string, now: number): Promise<SessionRecord | null> {
    const text = JSON.stringify({ id, now });
    return this.#run("read", async (deadline) => {
      const record = await this.#reads.add({ text, deadline });
      return record === null ? null : this.#checked("read", id, record);
    });
  }

  async patch(id: string, patch: Patch, now: number, timeout?: number): Promise<PatchOutcome> {
    const text = patchText(id, patch, now);
    const work = async (deadline: number): Promise<PatchOutcome> => {
      const { kind, revision, removed, record, limit } = await this.#written(this.#patches, {
        text,
        deadline,
      });
      if (kind === "gone") return { kind };
      if (kind === "full" && (limit === "bytes" || limit === "fields")) return { kind, limit };
      if (kind === "conflict") return { kind, record: this.#checked("patch", id, record) };
      if (kind === "applied" && typeof revision === "number" && isTexts(removed))
        return { kind, revision, removed };
      throw unreadableRecord("patch");
    };
    return this.#run("patch", work, timeout);
  }

  async list(subject: string, now: number): Promise<SessionRecord[]> {
    return this.#run("list", async (deadline) => {
      const rows = await this.#call("list", [lockPatience(deadline), subject, now], deadline);
      // A damaged record must not hide a person's other sessions.
      const records: SessionRecord[] = [];
      for (const [at, text] of rows.entries()) {
        const record = recordFrom(parseJson(text ?? "null"));
        if (record?.subject === subject) records.push(record);
        if (at % recordsAtOnce === recordsAtOnce - 1) await turn();
      }
      return records;
    });
  }

  async sweep(now: number, limit: number): Promise<number> {
    return this.#run("sweep", async (deadline) => {
      const [deleted] = await this.#call("sweep", [lockPatience(deadline), now, limit], deadline);
      return Number(deleted);
    });
  }

  close(): void {}

  /** Runs a call after the startup. Retries it if that is safe and may help. */
  async #run<T>(
    operation: StoreOperation,
    work: (deadline: number) => Promise<T>,
    timeout = Infinity,
  ): Promise<T> {
    const deadline = performance.now() + Math.min(this.#timeout, timeout);
    try {
      return await retryIfSafe(
        async () => {
          await (this.#ready ??= this.#start(deadline));
          return work(deadline);
        },
        {
          deadline,
          isRead: operation === "read",
          isConnectionLost,
          wasNotExecuted: (error) => {
            // The table or its functions were removed. The next call inspects the database again.
            if (sqlState(error)?.startsWith("42")) this.#ready = undefined;
            return lostToAnother(error) || error === tooLate;
          },
        },
      );
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw error === tooLate ? storeError(operation, faults.late) : asStoreError(operation, error);
    }
  }

  async #start(deadline: number): Promise<void> {
    try {
      const names = this.#names;
      const look = async () => {
        const [answer] = await this.#send({
          operation: "open",
          text: inspection(names),
          values: [],
          deadline,
        });
        return found(answer, names);
      };
      let database = await look();
      if (database.version < latestVersion(names)) {
        await this.#send({ operation: "open", text: migration(names), values: [], deadline });
        database = await look();
      }
      this.#ahead = database.clock - performance.now();
      for (const [code, warning] of Object.entries(database.weaknesses)) this.#warn(code, warning);
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  #warn(code: string, warning: string): void {
    const settled = code === "COATCHECK_POSTGRES_COMMIT_OFF" && this.#durable === 1;
    if (settled || this.#warned.has(code)) return;
    this.#warned.add(code);
    process.emitWarning(warning, { type: "CoatcheckWarning", code });
  }

  /** Sends a call that writes and returns its outcome. */
  async #written(batches: Batches<Answer>, call: Call): Promise<Answer> {
    let outcome = await batches.add(call);
    // The row was locked or is gone. Sent alone, the call waits and finds out which.
    if (outcome["kind"] === "skipped") outcome = await batches.alone(call);
    if (outcome["kind"] === "late") throw tooLate;
    return outcome;
  }

  async #readAll(calls: readonly Call[], deadline: number): Promise<readonly unknown[]> {
    const { records } = await this.#ask("read", [lockPatience(deadline), listOf(calls)], deadline);
    return answersTo("read", calls, records);
  }

  /** Calls a function that writes, with its deadline. */
  async #writeAll(
    operation: "create" | "patch",
    calls: readonly Call[],
    deadline: number,
  ): Promise<readonly Answer[]> {
    const latest = Math.floor(deadline + this.#ahead);
    const values = [lockPatience(deadline), latest, this.#durable, listOf(calls)];
    const { outcomes } = await this.#ask(operation, values, deadline);
    return answersTo(operation, calls, outcomes).map((outcome) => objectOf(operation, outcome));
  }

  /** Calls a function that returns one object. */
  async #ask(
    operation: "create" | "read" | "patch",
    values: readonly (string | number)[],
    deadline: number,
  ): Promise<Answer> {
    const [text] = await this.#call(operation, values, deadline);
    const answer = objectOf(operation, parseJson(text ?? "null"));
    if (typeof answer["clock"] === "number") this.#ahead = answer["clock"] - performance.now();
    return answer;
  }

  async #call(
    operation: "create" | "read" | "patch" | "list" | "sweep",
    values: readonly (string | number)[],
    deadline: number,
  ): Promise<readonly (string | null)[]> {
    const marks = values.map((_, at) => `$${at + 1}`).join(", ");
    return this.#send({
      operation,
      text: `SELECT * FROM ${this.#names.call(operation)}(${marks})`,
      values,
      deadline,
    });
  }

  /** The record in an answer. Its id is compared, in case a client or pooler mixes answers up. */
  #checked(operation: StoreOperation, id: string, given: unknown): SessionRecord {
    const record = recordFrom(given);
    if (record?.id === id) return record;
    throw unreadableRecord(operation);
  }
}

/** Thrown if the server reports that a write came too late and had no effect. */
const tooLate = new Error("late");

/** How many milliseconds a function may wait for locks, so that its answer arrives before the deadline. */
function lockPatience(deadline: number): number {
  return Math.max(1, Math.floor((deadline - performance.now()) * 0.9));
}

function listOf(calls: readonly Call[]): string {
  return `[${calls.map(({ text }) => text).join(",")}]`;
}
