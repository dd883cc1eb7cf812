import { StoreError } from "../errors.ts";
import { andThen, orElse } from "../runtime/maybe-async.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";
import type { Services } from "../services/services.ts";
import type { OpenUpdate } from "./data-changes.ts";
import { fieldName } from "../services/field-codec.ts";
import type { LiveRecord } from "./record-handle.ts";
import { limitError } from "../services/limits.ts";
import type { SessionData } from "./data.ts";

/**
 * Every conflict means that another update was applied, so the field as a whole always moves on;
 * the bound only keeps a request from trying for ever.
 */
const maxAttempts = 1000;

/** One value's update: what to compute, and where it goes. */
export interface Update {
  readonly key: string;
  /** `undefined` removes the key. */
  readonly fn: (value: unknown) => unknown;
}

/** The same, called: changes of before the call are what it goes on from, and changes of after it win. */
interface Called extends Update {
  readonly open: OpenUpdate;
}

/**
 * Applies `fn` to one value as if nobody else were there: the patch expects the bytes that `fn` saw,
 * and on conflict `fn` runs again on the fresh ones. Answers at once where the store does.
 *
 * @returns what was stored, or `undefined` when the session had ended.
 */
export function update(
  services: Services,
  live: LiveRecord,
  data: SessionData,
  change: Update,
): Awaitable<unknown> {
  const before = live.current?.id;
  const open = data.openUpdate(change.key);
  const called = { ...change, open };
  const work = (): Awaitable<unknown> => {
    const id = live.current?.id;
    // A logout that was called before this.
    if (before !== undefined && id !== before) return undefined;
    // The first of a request's updates begins the session, the others find it.
    if (id === undefined) return beginWith(live, data, called);
    const apply = (): Awaitable<unknown> => updateField(services, live, data, id, called, 1);
    const start = services.clock.now();
    return services.queue.take(id, apply, () => {
      // A wait for what the store let fail was a wait for the store.
      live.calls.spend(start);
      return apply();
    });
  };
  const closed = <T>(answer: T): T => {
    data.closeUpdate(open);
    return answer;
  };
  return orElse(
    () => andThen(live.inTurn(work), closed),
    (error) => {
      throw closed(error);
    },
  );
}

async function beginWith(live: LiveRecord, data: SessionData, { key, fn, open }: Called): Promise<unknown> {
  if (!live.mayBegin) return undefined;
  const name = fieldName.data(key);
  const value = fn(data.before(open).value);
  if (value === undefined) data.written(open, "", null);
  else {
    const text = data.checked(key, value);
    const record = await live.begin({ subject: null, permanent: false }, new Map([[name, text]]));
    data.written(open, record.id, record.fields.get(name) ?? null);
  }
  return value;
}

function updateField(
  services: Services,
  live: LiveRecord,
  data: SessionData,
  id: string,
  called: Called,
  attempt: number,
): Awaitable<unknown> {
  const { key, fn, open } = called;
  const name = fieldName.data(key);
  const { value: before, expected } = data.before(open);
  const value = fn(before);
  const bytes = value === undefined ? null : services.codec.encode(id, name, data.checked(key, value));
  // Nothing is there, and nothing is to be: nobody needs to be asked.
  if (bytes === null && expected === null) return value;
  const patch = {
    ...(expected === undefined ? {} : { expect: { fields: new Map([[name, expected]]) } }),
    ...(bytes === null
      ? { remove: [name] }
      : { set: new Map([[name, bytes]]), limits: data.limitsAt(live.wholeAt) }),
    ...live.touchAlong(),
  };
  return andThen(live.patch(patch), (outcome) => {
    if (outcome.kind === "applied") {
      data.written(open, id, bytes);
      return value;
    }
    if (outcome.kind === "gone") {
      live.lose();
      return undefined;
    }
    if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
    if (attempt === maxAttempts) throw contended();
    data.found(key, id, outcome.record.fields.get(name) ?? null);
    return updateField(services, live, data, id, called, attempt + 1);
  });
}

function contended(): StoreError {
  const message = `${maxAttempts} other updates of the same key came first.`;
  return new StoreError("STORE_CONTENDED", "patch", message, { transient: true });
}
