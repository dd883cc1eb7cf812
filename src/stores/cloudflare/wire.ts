import type { Fields } from "../../record/fields.ts";
import type { Patch } from "../../record/patch.ts";
import type { RecordColumns } from "../../record/record.ts";

/*
 * What the store and its objects say to each other: JSON, with bytes in base64. Fields are lists of pairs and not objects, so no name
 * of a field is a key of JSON.
 */

/** A call of an object. */
export type Call =
  | { readonly operation: "create"; readonly deadline: number; readonly row: Row }
  | { readonly operation: "read"; readonly id: string; readonly now: number }
  | {
      readonly operation: "patch";
      readonly deadline: number;
      readonly id: string;
      readonly patch: PatchOnWire;
      readonly now: number;
    }
  | { readonly operation: "list"; readonly subject: string; readonly now: number }
  | { readonly operation: "sweep"; readonly now: number; readonly limit: number };

/** The columns of an object's table. `record` is packed. */
export interface Row {
  readonly id: string;
  readonly subject: string | null;
  readonly expiresAt: number;
  readonly record: string;
}

/** A record in an answer. */
export type RecordOnWire = Pick<Row, "id" | "record">;

/** An object's answer. */
export interface Answer {
  /** The object's clock, in milliseconds since 1970 UTC. */
  readonly clock: number;
  /** The result; what kind depends on the operation. */
  readonly result?: unknown;
  /** Why there is no result. */
  readonly problem?: "late" | "no-sql" | "unreadable";
}

/** The outcome of a patch on the wire. */
export type OutcomeOnWire =
  | { readonly kind: "applied"; readonly revision: number; readonly removed: readonly string[] }
  | { readonly kind: "conflict"; readonly record: RecordOnWire }
  | { readonly kind: "full"; readonly limit: "bytes" | "fields" }
  | { readonly kind: "gone" };

type FieldsOnWire = readonly (readonly [name: string, bytes: string | null])[];

/** A patch on the wire. */
export type PatchOnWire = Omit<Patch, "expect" | "set" | "columns"> & {
  readonly expect?: { readonly verifier?: string; readonly fields?: FieldsOnWire };
  readonly set?: FieldsOnWire;
  readonly columns?: Partial<Omit<RecordColumns, "verifier"> & { readonly verifier: string }>;
};

export function encodePatch({ expect, set, columns, ...rest }: Patch): PatchOnWire {
  return {
    ...rest,
    ...(expect && {
      expect: {
        ...(expect.verifier && { verifier: encodeBytes(expect.verifier) }),
        ...(expect.fields && { fields: encodeFields(expect.fields) }),
      },
    }),
    ...(set && { set: encodeFields(set) }),
    ...(columns && { columns: encodeColumns(columns) }),
  };
}

export function decodePatch({ expect, set, columns, ...rest }: PatchOnWire): Patch {
  return {
    ...rest,
    ...(expect && {
      expect: {
        ...(expect.verifier !== undefined && { verifier: decodeBytes(expect.verifier) }),
        ...(expect.fields && {
          fields: new Map(
            expect.fields.map(([name, bytes]) => [name, bytes === null ? null : decodeBytes(bytes)]),
          ),
        }),
      },
    }),
    ...(set && { set: decodeFields(set) }),
    ...(columns && { columns: decodeColumns(columns) }),
  };
}

export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function decodeBytes(text: string): Uint8Array {
  return Buffer.from(text, "base64");
}

function encodeFields(fields: ReadonlyMap<string, Uint8Array | null>): FieldsOnWire {
  return Array.from(fields, ([name, bytes]) => [name, bytes === null ? null : encodeBytes(bytes)]);
}

function decodeFields(fields: FieldsOnWire): Fields {
  return new Map(fields.map(([name, bytes]) => [name, decodeBytes(bytes ?? "")]));
}

function encodeColumns({ verifier, ...rest }: Partial<RecordColumns>): NonNullable<PatchOnWire["columns"]> {
  return { ...rest, ...(verifier && { verifier: encodeBytes(verifier) }) };
}

function decodeColumns({ verifier, ...rest }: NonNullable<PatchOnWire["columns"]>): Partial<RecordColumns> {
  return { ...rest, ...(verifier !== undefined && { verifier: decodeBytes(verifier) }) };
}
