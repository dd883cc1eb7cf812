import { ConfigError, StoreError } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { RedisConnection } from "./connection.ts";
import { redisError } from "./errors.ts";
import { checkServers } from "./startup-check.ts";
import type { RedisWarning } from "./startup-check.ts";

/** The most calls that may wait for Redis at once. More would fill the client's queue during an outage. */
const maxWaiting = 10_000;

/** Milliseconds after which a waiting call is no longer counted: some clients never settle the promise of a lost command. */
const abandonedAfter = 60_000;

/** Runs the store's calls: limits how many wait at once, converts errors, and starts the startup check. */
export class RedisCalls {
  readonly #connection: RedisConnection;
  readonly #onWarning: ((warning: RedisWarning) => void) | false;
  /** The start times of the waiting calls, oldest first. */
  readonly #waiting = new Set<{ readonly start: number }>();
  #isChecked = false;

  /** @param onWarning `false` for no startup check. */
  constructor(connection: RedisConnection, onWarning: ((warning: RedisWarning) => void) | false) {
    this.#connection = connection;
    this.#onWarning = onWarning;
  }

  /** @param work receives the time at which the caller began to wait, as `performance.now()`. */
  async run<T>(operation: StoreOperation, work: (start: number) => Promise<T>): Promise<T> {
    const call = { start: performance.now() };
    if (this.#isCrowded(call.start)) {
      const message = `The ${this.#connection.store} store could not ${operation}: ${maxWaiting} calls are already waiting for Redis.`;
      throw new StoreError("STORE_BUSY", operation, message, { transient: true });
    }
    this.#waiting.add(call);
    try {
      const result = await work(call.start);
      if (!this.#isChecked) this.#check();
      return result;
    } catch (error) {
      // Options that come from the environment are checked at the first call.
      if (error instanceof ConfigError) throw error;
      throw redisError(this.#connection.store, operation, error);
    } finally {
      this.#waiting.delete(call);
    }
  }

  #isCrowded(now: number): boolean {
    if (this.#waiting.size < maxWaiting) return false;
    for (const call of this.#waiting) {
      if (now - call.start < abandonedAfter) break;
      this.#waiting.delete(call);
    }
    return this.#waiting.size >= maxWaiting;
  }

  /** Runs after the first successful call, when the connection is known to work. */
  #check(): void {
    this.#isChecked = true;
    const onWarning = this.#onWarning;
    if (onWarning === false) return;
    void (async () => {
      try {
        for (const warning of await checkServers(this.#connection)) onWarning(warning);
      } catch {
        // The check only gives advice. Calls that need the connection report its errors.
      }
    })();
  }
}
