import { StoreError } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { RedisConnection, ScriptCommand } from "./connection.ts";
import { isUnknownScript } from "./errors.ts";
import type { Argument } from "./record-hash.ts";
import type { Script } from "./scripts.ts";
import { ServerTime } from "./server-time.ts";

/** How many replicas must have a write, how many milliseconds to wait for them, and on which connection. */
export interface Replication {
  readonly replicas: number;
  readonly timeout: number;
  readonly connection: RedisConnection;
}

/** How often a script is tried if the server's clock keeps jumping. */
const maxAttempts = 5;

/** Runs scripts that write. None takes effect after its deadline. Can also wait for replicas. */
export class ScriptCalls {
  readonly #connection: RedisConnection;
  readonly #timeout: number;
  readonly #serverTime: ServerTime;

  /** @param timeout how many milliseconds after its call a script may still run. */
  constructor(connection: RedisConnection, timeout: number) {
    this.#connection = connection;
    this.#timeout = timeout;
    this.#serverTime = connection.serverTime ?? new ServerTime();
  }

  /**
   * The deadline of a call, as `performance.now()`.
   *
   * @param start when the call began. @param timeout how long its caller waits, if less than the store's own.
   */
  until(start: number, timeout = Infinity): number {
    return start + Math.min(this.#timeout, timeout);
  }

  /**
   * Runs a script with its deadline as the first argument. Returns the status, and what follows the server's
   * time in the reply.
   *
   * @param until the deadline, as `performance.now()`.
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
      // Refused before the deadline: the first command does not know the server's time yet and learns it this
      // way. So does one after the server's clock was set forward or another server took over.
      if (performance.now() >= until) break;
    }
    throw new StoreError(
      "STORE_TIMEOUT",
      operation,
      `The ${this.#connection.store} store could not ${operation}: the command reached Redis too late and was not executed.`,
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
      return await this.#call({ name: "EVALSHA", script, key, args }, replication);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return this.#call({ name: "EVAL", script, key, args }, replication);
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
      `The redis store wrote the record, but only ${String(have)} of ${replicas} replicas had it within ${timeout} ms.`,
      { transient: true },
    );
  }
}
