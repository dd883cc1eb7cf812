import { StoreError } from "../errors.ts";
import { andThen, attempt } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import type { OpenUpdate } from "./data-changes.ts";
import { fieldName } from "../services/field-codec.ts";
import type { RecordHandle } from "./record-handle.ts";
import { limitError } from "../services/limits.ts";
import type { SessionData } from "./data.ts";

/**
 * Every conflict means that another update was applied, so progress is always made. The bound only keeps a single
 * request from retrying forever.
 */
const maxTries = 1000;

/** An update of one value. */
export interface Update {
  readonly key: string;
  /** `undefined` removes the key. */
  readonly fn: (value: unknown) => unknown;
}

/**
 * An update that has been called. It starts from changes made before the call, and changes made after the call
 * replace its result.
 */
interface Called extends Update {
  readonly open: OpenUpdate;
}

/**
 * Applies `fn` to one value atomically: the patch expects the bytes that `fn` saw, and after a conflict `fn` runs
 * again with the current ones. Synchronous if the store is.
 *
 * @returns the stored value, or `undefined` if the session had ended.
 */
export function update(
  services: Services,
  handle: RecordHandle,
  data: SessionData,
  change: Update,
): MaybePromise<unknown> {
  const before = handle.current?.id;
  const open = data.openUpdate(change.key);
  const called = { ...change, open };
  const work = (): MaybePromise<unknown> => {
    const id = handle.current?.id;
    // The session was ended by a logout that was called before this update.
    if (before !== undefined && id !== before) return undefined;
    // The first update of a request starts the session; the others find it.
    if (id === undefined) return beginWith(handle, data, called);
    const apply = (): MaybePromise<unknown> => updateField(services, handle, data, id, called, 1);
    const start = services.clock.now();
    return services.updates.run(id, apply, () => {
      // If the earlier update failed in the store, count the wait against this request.
      handle.calls.addElapsedSince(start);
      return apply();
    });
  };
  return attempt(
    () => handle.enqueue(work),
    (value) => {
      data.closeUpdate(open);
      return value;
    },
    (error) => {
      data.closeUpdate(open);
      throw error;
    },
  );
}

async function beginWith(
  handle: RecordHandle,
  data: SessionData,
  { key, fn, open }: Called,
): Promise<unknown> {
  if (!handle.canStart) return undefined;
  const name = fieldName.data(key);
  const value = fn(data.before(open).value);
  if (value === undefined) data.written(open, "", null);
  else {
    const text = data.checked(key, value);
    const record = await handle.create({ subject: null, permanent: undefined }, new Map([[name, text]]));
    data.written(open, record.id, record.fields.get(name) ?? null);
  }
  return value;
}

function updateField(
  services: Services,
  handle: RecordHandle,
  data: SessionData,
  id: string,
  called: Called,
  tries: number,
): MaybePromise<unknown> {
  const { key, fn, open } = called;
  const name = fieldName.data(key);
  const { value: before, expected } = data.before(open);
  const value = fn(before);
  const bytes = value === undefined ? null : services.codec.encode(id, name, data.checked(key, value));
  // The key has no value and gets none, so there is nothing to write.
  if (bytes === null && expected === null) return value;
  const patch = {
    ...(expected === undefined ? {} : { expect: { fields: new Map([[name, expected]]) } }),
    ...(bytes === null
      ? { remove: [name] }
      : { set: new Map([[name, bytes]]), limits: data.limitsAt(handle.completeAt) }),
    ...handle.dueTouch(),
  };
  return andThen(handle.patch(patch), (outcome) => {
    if (outcome.kind === "applied") {
      data.written(open, id, bytes);
      return value;
    }
    if (outcome.kind === "gone") {
      handle.markGone();
      return undefined;
    }
    if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
    if (tries === maxTries) throw contended();
    data.found(key, id, outcome.record.fields.get(name) ?? null);
    return updateField(services, handle, data, id, called, tries + 1);
  });
}

function contended(): StoreError {
  const message = `${maxTries} other updates of the same key came first.`;
  return new StoreError("STORE_CONTENDED", "patch", message, { transient: true });
}
