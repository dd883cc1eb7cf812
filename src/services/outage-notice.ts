import type { StoreError } from "../errors.ts";

/** What an event or a line may say of the error behind another: nothing that could hold a value. */
export interface Cause {
  /** The name of its class, such as `"Error"`. */
  readonly name: string;
  /** Its code where it has one, such as `"ECONNREFUSED"` or PostgreSQL's `"57P01"`. */
  readonly code?: string;
}

/** What may be told of why a store failed: a database's messages carry queries and addresses, so never those. */
export function causeOf({ cause }: StoreError): Cause | undefined {
  if (!(cause instanceof Error)) return undefined;
  const code: unknown = Reflect.get(cause, "code");
  const name = isWord(cause.name) ? cause.name : "Error";
  return isWord(code) ? { name, code } : { name };
}

function isWord(text: unknown): text is string {
  return typeof text === "string" && /^\w{1,64}$/.test(text);
}

/** Milliseconds between two lines. */
const interval = 60_000;

/** @internal Tells on the console that a store fails: at most one line a minute, since every request may be one to tell of. */
export class OutageNotice {
  #nextAt = Number.NEGATIVE_INFINITY;
  #untold = 0;

  /** @param now in milliseconds. */
  note(error: StoreError, now: number): void {
    if (now < this.#nextAt) {
      this.#untold++;
      return;
    }
    const cause = causeOf(error);
    const why = cause === undefined ? "" : `, from ${cause.name} ${cause.code ?? ""}`.trimEnd();
    const more = this.#untold === 0 ? "" : `; ${this.#untold} more failed since the last line`;
    this.#nextAt = now + interval;
    this.#untold = 0;
    // oxlint-disable-next-line no-console -- a 503 says nothing to the operator
    console.error(`coatcheck: ${error.message} (${error.code}${why}${more})`);
  }
}
