import type { Store } from "coatcheck";
import type { MaybePromise, Patch, PatchOutcome, SessionRecord } from "coatcheck/store";

/** One call of the core, as the store saw it. */
export interface Call {
  readonly operation: "create" | "read" | "patch" | "list" | "sweep" | "close";
  readonly id?: string;
  readonly patch?: Patch;
  /** How long the core waits for it, in milliseconds. */
  readonly patience?: number | undefined;
}

/** A store that passes everything on to another, remembers it, and lets a test tamper. */
export class WatchedStore implements Store {
  readonly name: string;
  readonly inProcess: boolean;
  readonly calls: Call[] = [];
  /** Every id that a record was ever created under. */
  readonly ids = new Set<string>();
  /** What a read answers instead. */
  tamper: (record: SessionRecord) => SessionRecord = (record) => record;
  /** Called before each call; may throw, or answer a promise that never settles. */
  before: (call: Call) => MaybePromise<void> = () => {};
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    this.name = store.name;
    this.inProcess = store.inProcess;
  }

  /** How often these operations were called since the last `forget`. */
  count(...operations: Call["operation"][]): number {
    return this.calls.filter(({ operation }) => operations.includes(operation)).length;
  }

  forget(): void {
    this.calls.length = 0;
  }

  /** Everything that is kept, expired or not. */
  async dump(): Promise<SessionRecord[]> {
    const records: SessionRecord[] = [];
    for (const id of this.ids) {
      const record = await this.#store.read(id, 0);
      if (record !== null) records.push(record);
    }
    return records;
  }

  create(record: SessionRecord, patience?: number): MaybePromise<boolean> {
    this.ids.add(record.id);
    return this.#call({ operation: "create", id: record.id, patience }, () =>
      this.#store.create(record, patience),
    );
  }

  read(id: string, now: number, authoritative?: boolean): MaybePromise<SessionRecord | null> {
    return this.#call({ operation: "read", id }, async () => {
      const record = await this.#store.read(id, now, authoritative);
      return record && this.tamper(record);
    });
  }

  patch(id: string, patch: Patch, now: number, patience?: number): MaybePromise<PatchOutcome> {
    return this.#call({ operation: "patch", id, patch, patience }, () =>
      this.#store.patch(id, patch, now, patience),
    );
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    return this.#call({ operation: "list" }, () => this.#store.list(subject, now));
  }

  sweep(now: number, limit: number): MaybePromise<number> {
    return this.#call({ operation: "sweep" }, () => this.#store.sweep(now, limit));
  }

  close(): MaybePromise<void> {
    return this.#call({ operation: "close" }, () => this.#store.close());
  }

  async #call<T>(call: Call, run: () => MaybePromise<T>): Promise<T> {
    this.calls.push(call);
    await this.before(call);
    return run();
  }
}
