/** A value with its text when it was read or set. If its text differs now, the object was mutated. */
export interface Held {
  readonly value: unknown;
  readonly text: string;
}

/** A change that is not committed yet. */
export interface Change {
  readonly value: unknown;
  /** The text to write; `null` if the key is removed. */
  readonly text: string | null;
  /** Whether an update that started from this change has been written, so that the change itself must not be. */
  isWritten: boolean;
}

/** An update that has been called and is not finished. */
export interface OpenUpdate {
  readonly key: string;
  /** The change of this request that it starts from; `undefined` if it starts from the stored value. */
  readonly from: Change | undefined;
}

/** The changes that a commit has to make to a record's data fields. */
export interface DataChanges {
  /** The texts of values by field name. */
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}
