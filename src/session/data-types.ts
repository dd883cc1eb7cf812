/**
 * What a session holds where nobody said: `Session` alone is any session, whatever its hub says that it
 * holds. Its values read as `unknown`.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` fits every hub's Data, interfaces too
export type AnyData = any;

/** The names of a session's data keys. */
export type KeyOf<Data> = keyof Data & string;

/** Any key where the data is {@link AnyData}, and none where it is known. */
export type BareKeyOf<Data> = unknown extends Data ? string : never;

/** All keys with their values, one pair each. */
export type EntryOf<Data> = unknown extends Data ? [string, unknown] : [KeyOf<Data>, Data[KeyOf<Data>]];
