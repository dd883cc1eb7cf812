/** What a session holds, by key. */
export type Entries = Readonly<Record<string, unknown>>;

/** Who sends requests in a race: two tabs of one browser, or a visitor and a thief. */
export type Tab = "A" | "B";

/** What a store was asked to do, and what came of it. */
export type StoreStep =
  /** `isStale`: it returned a copy from before the race. `found` is `undefined` if there was no such session. */
  | { readonly kind: "reads"; readonly found: Entries | undefined; readonly isStale: boolean }
  | { readonly kind: "creates"; readonly entries: Entries }
  /** The whole session is replaced. */
  | { readonly kind: "replaces"; readonly entries: Entries }
  /** Only these keys are changed. Nothing is, if one has changed since it was read, or if the session has ended. */
  | {
      readonly kind: "changes";
      readonly set: Entries;
      readonly removed: readonly string[];
      readonly outcome: "applied" | "conflict" | "gone" | "full";
    }
  | { readonly kind: "ends" }
  /** Only its time of expiry is moved. */
  | { readonly kind: "touches" };

/** What was measured at a request. */
export type StepOf =
  | StoreStep
  | { readonly kind: "asks"; readonly hasCookie: boolean }
  /** On its way to the server. */
  | { readonly kind: "travels" }
  /** In its handler, for something else. */
  | { readonly kind: "waits" }
  | {
      readonly kind: "responds";
      readonly status: number;
      readonly text: string;
      /** What the Set-Cookie headers do to the browser's cookie. */
      readonly cookie: "sets" | "deletes" | undefined;
      /** The number of the session whose cookie it sets. */
      readonly session: number | undefined;
    };

/** A session that a store holds. */
export interface Kept {
  /** 1 for the first that was seen in this race. */
  readonly number: number;
  readonly entries: Entries;
}

/** The part of a race in which one request runs, and what the store holds after it. */
export interface Moment {
  readonly tab: Tab;
  readonly steps: readonly StepOf[];
  readonly sessions: readonly Kept[];
}
