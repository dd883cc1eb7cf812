import assert from "node:assert/strict";
import { newRecordId } from "../crypto/ticket.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Fields } from "../record/fields.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Store } from "../record/store.ts";

/** What a store must hold to; throws an AssertionError when it does not. Needs no test runner. */
export interface StoreClause {
  /** A sentence about the store. */
  readonly name: string;
  /** @param open opens the store; called twice, it answers two doors to the same records (or the same store again). */
  check(open: () => MaybePromise<Store>): Promise<void>;
}

/** The time at which the clauses play, in milliseconds since 1970; records end relative to it. */
export const now: number = Date.UTC(2026, 5, 1);

/** A clause that needs one store. */
export function clause(name: string, check: (store: Store) => Promise<void>): StoreClause {
  return {
    name,
    async check(open) {
      const store = await open();
      try {
        await check(store);
      } finally {
        await store.close();
      }
    },
  };
}

/** A clause in which patches of one record race through two doors. */
export function racing(
  name: string,
  check: (doors: readonly Store[], id: string) => Promise<void>,
): StoreClause {
  return {
    name,
    async check(open) {
      const doors = [await open(), await open()];
      try {
        const { id } = await created(doorAt(doors, 0), recordWith());
        await check(doors, id);
      } finally {
        for (const door of new Set(doors)) await door.close();
      }
    },
  };
}

/** The doors in turn. */
export function doorAt(doors: readonly Store[], at: number): Store {
  const door = doors[at % doors.length];
  if (door === undefined) throw new Error("There is no door.");
  return door;
}

/** A record under a new id, to be used for an hour from `now`. */
export function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: newRecordId(),
    epoch: 0,
    verifier: Uint8Array.from({ length: 32 }, (_, at) => at),
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 86_400_000,
    permanent: false,
    revision: 1,
    fields: new Map(),
    ...columns,
  };
}

/** A subject that no other test uses. */
export function newSubject(): string {
  return `subject-${newRecordId()}`;
}

/** Fields of text. */
export function fieldsOf(texts: Readonly<Record<string, string>>): Fields {
  return new Map(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)]));
}

/** The bytes of a text. */
export function binaryField(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What two records are compared by: the same bytes are the same, whatever class holds them. */
export function plain(record: SessionRecord | null): unknown {
  if (record === null) return null;
  const { fields, verifier, ...columns } = record;
  const texts = Array.from(fields, ([name, bytes]): [string, string] => [
    name,
    Buffer.from(bytes).toString("hex"),
  ]);
  texts.sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...columns, verifier: Buffer.from(verifier).toString("hex"), fields: texts };
}

/** The fields of a record as text, by name. */
export async function textsIn(store: Store, id: string, time: number = now): Promise<Record<string, string>> {
  const record = await store.read(id, time);
  return Object.fromEntries(
    Array.from(record?.fields ?? [], ([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  );
}

/** Creates a record that must be new. */
export async function created(store: Store, record: SessionRecord): Promise<SessionRecord> {
  assert.equal(await store.create(record), true, "a new id is free");
  return record;
}

/** A patch under epoch 0. */
export async function patchNow(store: Store, id: string, patch: Partial<Patch>): Promise<PatchOutcome> {
  return store.patch(id, { epoch: 0, ...patch }, now);
}
