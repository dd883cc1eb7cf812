import { StoreError } from "../errors.ts";
import { andThen } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Context } from "./context.ts";
import { fieldName } from "./field-codec.ts";
import type { LiveRecord } from "./live-record.ts";
import type { SessionData } from "./session-data.ts";

/**
 * Every conflict means that another update was applied, so the field as a whole always moves on;
 * the bound only keeps a request from trying for ever.
 */
const maxAttempts = 1000;

/** One value's update: what to compute, and where it goes. */
export interface Update {
  readonly key: string;
  readonly fn: (value: unknown) => unknown;
}

/**
 * Applies `fn` to one value as if nobody else were there: the patch expects the bytes that `fn` saw,
 * and on conflict `fn` runs again on the fresh ones. Answers at once where the store does.
 *
 * @returns what was stored, or `undefined` when the session had ended.
 */
export function update(
  context: Context,
  live: LiveRecord,
  data: SessionData,
  change: Update,
): Awaitable<unknown> {
  const before = live.current?.id;
  return live.inTurn(() => {
    const id = live.current?.id;
    // A logout that was called before this.
    if (before !== undefined && id !== before) return undefined;
    // The first of a request's updates begins the session, the others find it.
    if (id === undefined) return beginWith(live, data, change);
    const work = (): Awaitable<unknown> => updateField(context, live, data, id, change, 1);
    const start = context.clock.now();
    return context.turns.take(id, work, () => {
      // A wait for what the store let fail was a wait for the store.
      live.calls.spend(start);
      return work();
    });
  });
}

async function beginWith(live: LiveRecord, data: SessionData, { key, fn }: Update): Promise<unknown> {
  if (!live.mayBegin) return undefined;
  const name = fieldName.data(key);
  const held = data.checked(key, fn(data.copy(key)));
  const record = await live.begin({ subject: null, permanent: false }, new Map([[name, held.text]]));
  data.written(key, record.id, record.fields.get(name) ?? null);
  return held.value;
}

function updateField(
  context: Context,
  live: LiveRecord,
  data: SessionData,
  id: string,
  change: Update,
  attempt: number,
): Awaitable<unknown> {
  const { key, fn } = change;
  const name = fieldName.data(key);
  data.noticeChanges([key]);
  // A change of this request that is not written yet is what `fn` sees; then nothing is expected of the store.
  const expect = data.hasPendingChange(key)
    ? {}
    : { expect: { fields: new Map([[name, data.bytesOf(key)]]) } };
  const held = data.checked(key, fn(data.copy(key)));
  const bytes = context.codec.encode(id, name, held.text);
  const patch = { ...expect, set: new Map([[name, bytes]]), ...live.touchAlong() };
  return andThen(live.patch(patch), (outcome) => {
    if (outcome.kind === "applied") {
      data.written(key, id, bytes);
      return held.value;
    }
    if (outcome.kind === "gone") {
      live.lose();
      return undefined;
    }
    if (attempt === maxAttempts) throw contended();
    data.written(key, id, outcome.record.fields.get(name) ?? null);
    return updateField(context, live, data, id, change, attempt + 1);
  });
}

function contended(): StoreError {
  const message = `${maxAttempts} other updates of the same key came first.`;
  return new StoreError("STORE_CONTENDED", "patch", message, { transient: true });
}
