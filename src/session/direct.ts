import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { newRecordId } from "../crypto/ticket.ts";
import { endOf } from "../services/timeouts.ts";
import { commitChanges } from "./commit.ts";
import type { PendingChanges } from "./commit.ts";
import { SessionData } from "./data.ts";
import type { RecordSettings } from "./record-settings.ts";

/*
 * What an adapter does with a session before the commit, or after it on a connection that outlives its response. All
 * but `forget` run in the queue of the request's calls (`handle.enqueue`).
 */

/**
 * Writes what the request has changed so far, except messages, which wait for the response. The session stays writable.
 *
 * @param takesCookie whether a response can still set cookies.
 * @throws StoreError, LimitError, and MisuseError if a value can't be stored. The changes then remain unwritten.
 */
export function save(pending: PendingChanges, takesCookie: boolean): MaybePromise<void> {
  const { data, handle, permanent, ownLifetime } = pending;
  data.changes(); // notices mutations, so that they are among the pending changes
  const changes = data.pendingChanges;
  return andThen(commitChanges({ ...pending, flashes: undefined }, "page", takesCookie), () => {
    if (handle.current === null) return;
    data.saved(changes, handle.current);
    pending.flashes?.rebase(handle.current);
    if (pending.permanent === permanent && pending.ownLifetime === ownLifetime) forgetLifetime(pending);
  });
}

/** Makes the request's session an empty one without a record. What is set from here on is for the next session. */
export function forget(pending: PendingChanges): void {
  const { data, flashes } = pending;
  forgetLifetime(pending);
  data.reset(null);
  flashes?.forgetAdditions(flashes.additionNames);
  flashes?.rebase(null);
}

/** Ends the session in the store. What was set since `forget` stays. @returns whether there was one. @throws StoreError */
export async function end({ services, handle, data, flashes }: PendingChanges): Promise<boolean> {
  const ended = await handle.end();
  if (ended !== undefined) services.events.emit({ type: "logout", id: ended.id, subject: ended.subject });
  // An update that was called before may have noted the old session's data since.
  data.rebase(null);
  flashes?.rebase(null);
  return ended !== undefined;
}

/** Starts a session without data, if there is none and this request may start one. @throws StoreError */
export async function startEmpty({ handle, data, permanent, ownLifetime }: PendingChanges): Promise<void> {
  if (handle.current !== null) return;
  await handle.confirm();
  if (!handle.canStart || !handle.hasClient) return;
  data.rebase(await handle.create({ subject: null, permanent, ownLifetime }, new Map()));
}

/**
 * Drops the request's changes and reads the record again.
 *
 * @returns `false` if there is none any more; the changes then remain.
 * @throws StoreError
 */
export function readAgain(pending: PendingChanges): MaybePromise<boolean> {
  const { services, handle, data, flashes } = pending;
  const { current } = handle;
  if (current === null) return false;
  return andThen(handle.calls.read(current.id, true), (record) => {
    if (record === null || record.epoch !== current.epoch) return false;
    if (endOf(record, services.timeouts) <= services.clock.now()) return false;
    handle.refresh(record);
    forgetLifetime(pending);
    data.reset(record);
    flashes?.rebase(record);
    return true;
  });
}

/**
 * Returns the id of the session, which stays the same if its record is created later.
 * @param settings those of the handle.
 */
export function idOf({ handle }: PendingChanges, settings: RecordSettings): string {
  return handle.current?.id ?? (settings.nextId ??= newRecordId());
}

/** Returns the data as it was stored last, without the request's changes. */
export function storedData({ services, handle }: PendingChanges): SessionData {
  const stored = new SessionData(services.codec, services.limits);
  stored.rebase(handle.current);
  return stored;
}

/** When the session ends unless it is used again, in milliseconds since 1970; `undefined` if there is no record. */
export function endOfSession({ services, handle }: PendingChanges): number | undefined {
  return handle.current === null ? undefined : endOf(handle.current, services.timeouts);
}

function forgetLifetime(pending: PendingChanges): void {
  pending.permanent = undefined;
  pending.ownLifetime = undefined;
}
