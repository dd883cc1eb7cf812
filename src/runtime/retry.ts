import { setTimeout as wait } from "node:timers/promises";

/** How often work is tried that the server rolled back in favor of another call, or judged to be late. */
const maxAttempts = 10;

/** When work may be tried again. */
export interface RetryRules {
  /** By `performance.now()`. After it, nothing is tried again. */
  readonly deadline: number;
  /** Whether the work changes nothing, so that it may be sent again if its connection was lost. */
  readonly isRead: boolean;
  isConnectionLost(error: unknown): boolean;
  /** Whether it is certain that the work that failed was not executed. Called for every failure. */
  wasNotExecuted(error: unknown): boolean;
}

/** Does work on a database, again if that is safe and may help. @throws the last error. */
export async function retryIfSafe<T>(work: () => Promise<T>, rules: RetryRules): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      // Only a call that changes nothing, or is known not to have been executed, can be sent again.
      const canRetry =
        rules.wasNotExecuted(error) || (rules.isRead && attempt === 1 && rules.isConnectionLost(error));
      if (!canRetry || attempt === maxAttempts || performance.now() >= rules.deadline) throw error;
    }
    // A random pause keeps conflicting calls from retrying at the same moment.
    await wait(Math.random() * 4 * attempt);
  }
}
