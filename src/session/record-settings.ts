/** What the caller of `RecordHandle.create` decides about a record; the rest follows from the clock. */
export interface SessionStart {
  readonly subject: string | null;
  /** `undefined` if the request has not set it. */
  readonly permanent: boolean | undefined;
  /** As for `lifetimeOf`. */
  readonly ownLifetime?: number | undefined;
}

/** How an adapter wants the records of its requests, where that is not the usual way. */
export interface RecordSettings {
  /** The id of the next record, which the handler may know already. */
  nextId: string | undefined;
  /** Whether new sessions are permanent if the request does not say so, and their own lifetime. */
  readonly permanent: boolean;
  readonly ownLifetime: number | undefined;
  /** Whether a permanent cookie is sent again with every change of data, and not only when its end has moved. */
  readonly resendsOnWrite: boolean;
}
