import { StoreError } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { RedisConnection } from "./connection.ts";
import { redisError } from "./errors.ts";
import { checkServers } from "./startup-check.ts";
import type { RedisWarning } from "./startup-check.ts";

/** How many calls may wait for Redis; more would fill the client's queue while the server is away. */
const maxWaiting = 10_000;

/** After how many milliseconds a call that was never answered counts no more: some clients forget what they lose. */
const forgotten = 60_000;

/** The frame of every call of the store: errors that say what they should, an end to waiting lines, the look at the servers. */
export class RedisCalls {
  readonly #connection: RedisConnection;
  readonly #onWarning: (warning: RedisWarning) => void;
  /** When each call that waits began, in that order. */
  readonly #waiting = new Set<{ readonly start: number }>();
  #isChecked = false;

  constructor(connection: RedisConnection, onWarning: (warning: RedisWarning) => void) {
    this.#connection = connection;
    this.#onWarning = onWarning;
  }

  /** @param work is told when the caller began to wait, as `performance.now()`. */
  async run<T>(operation: StoreOperation, work: (start: number) => Promise<T>): Promise<T> {
    const call = { start: performance.now() };
    if (this.#isCrowded(call.start)) {
      const message = `The redis store could not ${operation}: ${maxWaiting} calls wait for Redis already.`;
      throw new StoreError("STORE_BUSY", operation, message, { transient: true });
    }
    this.#waiting.add(call);
    try {
      const answer = await work(call.start);
      if (!this.#isChecked) this.#check();
      return answer;
    } catch (error) {
      throw redisError(operation, error);
    } finally {
      this.#waiting.delete(call);
    }
  }

  #isCrowded(now: number): boolean {
    if (this.#waiting.size < maxWaiting) return false;
    for (const call of this.#waiting) {
      if (now - call.start < forgotten) break;
      this.#waiting.delete(call);
    }
    return this.#waiting.size >= maxWaiting;
  }

  /** At the first answer, when there is a connection to ask through. */
  #check(): void {
    this.#isChecked = true;
    void (async () => {
      try {
        for (const warning of await checkServers(this.#connection)) this.#onWarning(warning);
      } catch {
        // DevelopmentAdvice only; the connection's troubles are told to those who need it.
      }
    })();
  }
}
