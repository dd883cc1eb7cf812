import type { StoreError } from "../errors.ts";

/** The part of an error's cause that may be reported: nothing that could contain a value. */
export interface OutageCause {
  /** The name of its class, such as `"Error"`. */
  readonly name: string;
  /** Its code, if it has one, such as `"ECONNREFUSED"` or PostgreSQL's `"57P01"`. */
  readonly code?: string;
}

/**
 * Returns what may be reported about the cause of an error. Never its message: those of databases contain
 * queries and addresses.
 */
export function causeOf({ cause }: { readonly cause?: unknown }): OutageCause | undefined {
  if (!(cause instanceof Error)) return undefined;
  const code: unknown = Reflect.get(cause, "code");
  const name = isWord(cause.name) ? cause.name : "Error";
  return isWord(code) ? { name, code } : { name };
}

function isWord(text: unknown): text is string {
  return typeof text === "string" && /^\w{1,64}$/.test(text);
}

/** The least time between two lines, in milliseconds. */
const interval = 60_000;

/** @internal Reports a failing store on the console: at most one line a minute, because every request may fail. */
export class OutageNotice {
  #nextAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  /** @param now in milliseconds. */
  note(error: StoreError, now: number): void {
    if (now < this.#nextAt) {
      this.#unreported++;
      return;
    }
    const cause = causeOf(error);
    const why = cause === undefined ? "" : `, from ${cause.name} ${cause.code ?? ""}`.trimEnd();
    const more = this.#unreported === 0 ? "" : `; ${this.#unreported} more failed since the last line`;
    this.#nextAt = now + interval;
    this.#unreported = 0;
    // oxlint-disable-next-line no-console -- the operator does not see a 503
    console.error(`coatcheck: ${error.message} (${error.code}${why}${more})`);
  }
}
