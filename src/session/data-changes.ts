/** A value with the text it had when it was read or set: another text now means that it was changed inside. */
export interface Held {
  readonly value: unknown;
  readonly text: string;
}

/** A change that is not committed yet. */
export interface Change {
  readonly value: unknown;
  /** What is written of it; `null` where the key is removed. */
  readonly text: string | null;
  /** An update has gone on from it and was written, so it is not to be written itself. */
  isWritten: boolean;
}

/** An update between its call and its answer. */
export interface OpenUpdate {
  readonly key: string;
  /** The change of this request that it goes on from; `undefined` where it goes on from what the store holds. */
  readonly from: Change | undefined;
}

/** What a commit has to do to a record's data fields. */
export interface DataChanges {
  /** Field names and the texts of their values. */
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}
