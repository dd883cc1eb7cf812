import { setImmediate } from "node:timers";
import { isCausedByOneCall } from "./errors.ts";

/** A call that can share one statement with others. */
export interface Call {
  /** The argument of the SQL function, as JSON. */
  readonly text: string;
  /** When its caller stops waiting, as `performance.now()`. */
  readonly deadline: number;
}

/** Sends calls in one statement. @returns an answer for each, in the same order. */
export type Send<Answer> = (calls: readonly Call[], deadline: number) => Promise<readonly Answer[]>;

interface Waiting<Answer> {
  readonly call: Call;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The most calls in one statement, whose answers all arrive when the last is ready. */
const maxCalls = 50;
/** By how many milliseconds at most a batch may shorten the deadline of one of its calls. */
const maxDeadlineSpread = 50;

/**
 * Sends the calls of one turn of the event loop together, so that they share the cost of a statement, above
 * all the wait for the disk at its commit. No call is delayed by more than that turn.
 */
export class Batches<Answer> {
  readonly #send: Send<Answer>;
  #waiting: Waiting<Answer>[] = [];

  constructor(send: Send<Answer>) {
    this.#send = send;
  }

  async add(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ call, resolve, reject }) === 1) setImmediate(() => this.#flush());
    });
  }

  /** Sends a call in its own statement. */
  async alone(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      void this.#sendAll([{ call, resolve, reject }]);
    });
  }

  #flush(): void {
    const waiting = this.#waiting.toSorted((one, other) => one.call.deadline - other.call.deadline);
    this.#waiting = [];
    for (let from = 0; from < waiting.length;) {
      const latest = (waiting[from]?.call.deadline ?? 0) + maxDeadlineSpread;
      const later = waiting.findIndex(({ call }, at) => at >= from && call.deadline > latest);
      const to = Math.min(from + maxCalls, later === -1 ? waiting.length : later);
      void this.#sendAll(waiting.slice(from, to));
      from = to;
    }
  }

  async #sendAll(batch: readonly Waiting<Answer>[]): Promise<void> {
    try {
      const calls = batch.map(({ call }) => call);
      const answers = await this.#send(calls, calls[0]?.deadline ?? 0);
      for (const [at, answer] of answers.entries()) batch[at]?.resolve(answer);
    } catch (error) {
      const resends = batch.length > 1 && isCausedByOneCall(error);
      for (const one of batch) {
        if (resends) void this.#sendAll([one]);
        else one.reject(error);
      }
    }
  }
}
