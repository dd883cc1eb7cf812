/**
 * The default type of a session's data. Any session can be assigned to `Session` without a type argument; its
 * values have the type `unknown`.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` is compatible with every Data, interfaces too
export type AnyData = any;

/** The names of a session's data keys. */
export type KeyOf<Data> = keyof Data & string;

/** Any string if the data is {@link AnyData}, otherwise no key. */
export type BareKeyOf<Data> = unknown extends Data ? string : never;

/** A pair of a key and its value. */
export type EntryOf<Data> = unknown extends Data ? [string, unknown] : [KeyOf<Data>, Data[KeyOf<Data>]];
