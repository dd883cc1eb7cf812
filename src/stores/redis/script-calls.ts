import { StoreError } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { RedisConnection, ScriptCommand } from "./connection.ts";
import { isUnknownScript } from "./errors.ts";
import type { Argument } from "./record-hash.ts";
import type { Script } from "./scripts.ts";
import { ServerTime } from "./server-time.ts";

/** How many replicas must have a write, for how many milliseconds it is waited for them, and on which connection. */
export interface Replication {
  readonly replicas: number;
  readonly timeout: number;
  readonly connection: RedisConnection;
}

/** How often a script is tried against a clock that keeps jumping. */
const maxAttempts = 5;

/** Runs scripts that write: never later than somebody waits for them, and on replicas, too, where that is asked for. */
export class ScriptCalls {
  readonly #connection: RedisConnection;
  readonly #timeout: number;
  readonly #serverTime = new ServerTime();

  /** @param timeout for how many milliseconds after the call the script may still be carried out. */
  constructor(connection: RedisConnection, timeout: number) {
    this.#connection = connection;
    this.#timeout = timeout;
  }

  /**
   * Until when a call may be carried out, in `performance.now()`.
   *
   * @param start when it began. @param timeout how long its caller waits, where that is less than usual.
   */
  until(start: number, timeout = Infinity): number {
    return start + Math.min(this.#timeout, timeout);
  }

  /**
   * The script's reply, after its deadline is added as the first argument: its first word, and what
   * follows the server's time.
   *
   * @param until of `performance.now()`: when nobody waits for it any more.
   */
  async run(
    operation: StoreOperation,
    script: Script,
    key: string,
    args: readonly Argument[],
    until: number,
    replication?: Replication,
  ): Promise<readonly [status: string, ...rest: unknown[]]> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const deadline = this.#serverTime.deadline(until);
      const reply = await this.#send(script, key, [String(deadline), ...args], replication);
      const [status, time, ...rest] = Array.isArray(reply) ? reply : [];
      this.#serverTime.learn(Number(time));
      if (String(status) !== "late") return [String(status), ...rest];
      // Refused, and still wanted: the first command does not know the server's time, and learns it so. So
      // does one after that clock was set forward, or another server took over.
      if (performance.now() >= until) break;
    }
    throw new StoreError(
      "STORE_TIMEOUT",
      operation,
      `The redis store could not ${operation}: the command came too late to Redis, and was not carried out.`,
      { transient: true },
    );
  }

  async #send(
    script: Script,
    key: string,
    args: readonly Argument[],
    replication: Replication | undefined,
  ): Promise<unknown> {
    try {
      return await this.#call({ name: "EVALSHA", script: script.sha, key, args }, replication);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return this.#call({ name: "EVAL", script: script.source, key, args }, replication);
    }
  }

  async #call(command: ScriptCommand, replication: Replication | undefined): Promise<unknown> {
    if (replication === undefined) return this.#connection.run(command);
    const { replicas, timeout, connection } = replication;
    const [reply, have] = await connection.runAndWait(command, replicas, timeout);
    const isWritten = Array.isArray(reply) && ["applied", "created", "added"].includes(String(reply[0]));
    if (!isWritten || Number(have) >= replicas) return reply;
    throw new StoreError(
      "STORE_NOT_REPLICATED",
      "patch",
      `The redis store wrote it, but only ${String(have)} of ${replicas} replicas had it within ${timeout} ms.`,
      { transient: true },
    );
  }
}
