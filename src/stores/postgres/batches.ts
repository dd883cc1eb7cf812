import { setImmediate } from "node:timers";
import { isOnesOwn } from "./errors.ts";

/** A call that can go to the database in one statement with others. */
export interface Call {
  /** What the statement's function takes for it, as JSON. */
  readonly text: string;
  /** When its caller stops waiting, as `performance.now()` tells the time. */
  readonly deadline: number;
}

/** Does calls in one statement. @returns an answer for each, in their order. */
export type Send<Answer> = (calls: readonly Call[], deadline: number) => Promise<readonly Answer[]>;

interface Waiting<Answer> {
  readonly call: Call;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The most calls of one statement: its answers all come when the last is ready. */
const most = 50;
/** How much earlier than its own deadline a call may have to end for the sake of others, in milliseconds. */
const mostEarlier = 50;

/**
 * Sends the calls of one turn of the event loop together: what a statement costs on both sides, a
 * commit's wait for the disk above all, they share. Nobody waits for more than that turn.
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

  /** Sends a call in a statement of its own. */
  async alone(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      void this.#sendAll([{ call, resolve, reject }]);
    });
  }

  #flush(): void {
    const waiting = this.#waiting.toSorted((one, other) => one.call.deadline - other.call.deadline);
    this.#waiting = [];
    for (let from = 0; from < waiting.length;) {
      const latest = (waiting[from]?.call.deadline ?? 0) + mostEarlier;
      const later = waiting.findIndex(({ call }, at) => at >= from && call.deadline > latest);
      const to = Math.min(from + most, later === -1 ? waiting.length : later);
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
      const apart = batch.length > 1 && isOnesOwn(error);
      for (const one of batch) {
        if (apart) void this.#sendAll([one]);
        else one.reject(error);
      }
    }
  }
}
