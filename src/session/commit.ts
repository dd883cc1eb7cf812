import { andThen, attempt } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import type { FlashQueue } from "./flashes.ts";
import type { RecordHandle } from "./record-handle.ts";
import { limitError } from "../services/limits.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { SessionData } from "./data.ts";
import { isTouchDue, lifetimeOf, startOf } from "../services/timeouts.ts";

/**
 * What becomes of the response:
 * - `page`: the visitor gets a page.
 * - `redirect`: a redirect or 304: data counts, but no flash message was read.
 * - `failed`: the handler threw or answered 5xx: data and messages are as they were before.
 */
export type ResponseOutcome = "page" | "redirect" | "failed";

/** What a commit goes by: what one request does with a session. */
export interface PendingChanges {
  readonly services: Services;
  readonly handle: RecordHandle;
  readonly data: SessionData;
  /** `undefined` when nobody has asked for messages. */
  flashes: FlashQueue | undefined;
  /** What the request asked `permanent` to be, or `undefined`. */
  permanent: boolean | undefined;
}

/** What a commit does to a record's fields. */
type Changes = Required<Pick<Patch, "set" | "remove">> & Pick<Patch, "limits" | "newest">;

/** Whether a commit has anything to do. If not, the response need not wait for it. */
export function needsCommit(pending: PendingChanges): boolean {
  const { handle, services } = pending;
  return isModified(pending) || handle.cookie.needsConfirmation || isMaintenanceDue(services, handle);
}

/** Whether the handler did something that is not written yet. */
export function isModified(pending: PendingChanges): boolean {
  return !isUnmodified(pending) || !pending.handle.isIdle;
}

/** Commits after what the handler called and did not wait for; at once where there is nothing to wait for. */
export function commitInTurn(
  pending: PendingChanges,
  outcome: ResponseOutcome,
  takesCookie: boolean,
): MaybePromise<void> {
  return !needsCommit(pending)
    ? undefined
    : pending.handle.enqueue(() => commit(pending, outcome, takesCookie));
}

function isUnmodified({
  data,
  flashes,
  permanent,
}: Pick<PendingChanges, "data" | "flashes" | "permanent">): boolean {
  return data.isUnmodified && (flashes === undefined || flashes.isUnmodified) && permanent === undefined;
}

/** Whether a request that only read has to write after all. */
function isMaintenanceDue({ codec: { sealer }, clock }: Services, handle: RecordHandle): boolean {
  const record = handle.current;
  if (record === null) return false;
  if (handle.needsResend || isTouchDue(record, clock.now())) return true;
  // With one key alone there is nothing to look at, and no field to take out of its record.
  if (sealer?.hasOlderKeys !== true) return false;
  for (const bytes of record.fields.values()) if (sealer.isSealedByOldKey(bytes)) return true;
  return false;
}

/**
 * Writes what a request changed as one patch, before the first byte of its response leaves.
 * Nothing is written where nothing changed, except that the idle clock is moved when that is due.
 * Answers at once where the store does.
 *
 * @param takesCookie whether the response can carry one; otherwise what needs one waits for a response that can.
 * @throws StoreError when the data could not be written; MisuseError or LimitError when it can't be kept.
 */
function commit(pending: PendingChanges, outcome: ResponseOutcome, takesCookie: boolean): MaybePromise<void> {
  return andThen(outcome === "failed" ? restoreFlashes(pending) : keep(pending, outcome, takesCookie), () =>
    pending.handle.confirm(),
  );
}

function keep(pending: PendingChanges, outcome: ResponseOutcome, takesCookie: boolean): MaybePromise<void> {
  return attempt(
    () => commitChanges(pending, outcome, takesCookie),
    () => undefined,
    // The page fails with its data, and nobody sees the messages it took.
    (error) =>
      andThen(restoreFlashes(pending), () => {
        throw error;
      }),
  );
}

function commitChanges(
  pending: PendingChanges,
  outcome: ResponseOutcome,
  takesCookie: boolean,
): MaybePromise<void> {
  const { services, handle, data, flashes, permanent } = pending;
  if (outcome === "redirect") flashes?.keepTakenAdditions();
  if (isUnmodified({ data, flashes, permanent })) return maintain(services, handle, takesCookie);
  const { set: dataTexts, remove } = data.changes();
  const texts = new Map([...dataTexts, ...(flashes?.additions() ?? [])]);
  const dropped = flashes?.dropped(outcome === "page") ?? 0;
  const record = handle.current;
  if (record === null)
    return texts.size > 0
      ? andThen(begin(services, handle, texts, permanent), () => tellDropped(pending, dropped))
      : undefined;
  const set = new Map(
    Array.from(texts, ([name, text]) => [name, services.codec.encode(record.id, name, text)]),
  );
  if (outcome === "redirect") for (const [name, bytes] of flashes?.taken() ?? []) set.set(name, bytes);
  const changes: Changes = {
    set,
    remove,
    ...(dataTexts.size > 0 && { limits: data.limitsAt(handle.completeAt) }),
    ...(flashes !== undefined && set.size > dataTexts.size && { newest: flashes.newest }),
  };
  return andThen(write(services, handle, record, changes, permanent, takesCookie), (made) => {
    if (handle.current === null) return undefined;
    tellDropped(pending, dropped + made);
    return reseal(services, handle, record, new Set([...set.keys(), ...remove]), takesCookie);
  });
}

function tellDropped({ services, handle }: PendingChanges, count: number): void {
  if (count > 0 && handle.current !== null)
    services.events.emit({ type: "flashes-dropped", id: handle.current.id, count });
}

function restoreFlashes(pending: PendingChanges): MaybePromise<void> {
  const { handle, flashes } = pending;
  if (flashes === undefined || flashes.taken().size === 0) return undefined;
  const isWaitedFor = handle.calls.remaining > 0;
  // Nobody waits any longer for a store that hangs, but it may come round.
  if (!isWaitedFor) handle.calls.restartDeadline();
  const patch = { set: flashes.taken(), newest: flashes.newest };
  const givenBack = ignoringStoreErrors(() => handle.patch(patch));
  const told = andThen(givenBack, (outcome) => tellDropped(pending, madeRoom(patch, outcome)));
  return isWaitedFor ? told : undefined;
}

/** How many messages a patch has removed to make room for those that it set. */
function madeRoom({ newest }: Pick<Patch, "newest">, outcome: PatchOutcome | undefined): number {
  if (newest === undefined || outcome?.kind !== "applied") return 0;
  return outcome.removed.filter((name) => name.startsWith(newest.prefix)).length;
}

/** What a request that only read still has to do, now and then: move the idle clock, and seal with the newest key. */
function maintain(services: Services, handle: RecordHandle, takesCookie: boolean): MaybePromise<void> {
  const record = handle.current;
  if (record === null) return undefined;
  return andThen(touch(handle, record, takesCookie), () =>
    handle.current === null ? undefined : reseal(services, handle, record, new Set(), takesCookie),
  );
}

/** Moves the idle clock where that is due. If it fails the visitor loses nothing now, so they must not lose their page. */
function touch(handle: RecordHandle, record: SessionRecord, takesCookie: boolean): MaybePromise<void> {
  const { columns, resends } = handle.touch(takesCookie);
  if (columns === undefined) return undefined;
  return andThen(
    ignoringStoreErrors(() =>
      resends === true ? writeAndResend(handle, record, { columns }) : handle.patch({ columns }),
    ),
    nothing,
  );
}

async function begin(
  services: Services,
  handle: RecordHandle,
  texts: ReadonlyMap<string, string>,
  permanent: boolean | undefined,
): Promise<void> {
  // After a logout that is long ago, another tab may have logged in.
  await handle.confirm();
  if (handle.canStart) await handle.create({ subject: null, permanent: permanent ?? false }, texts);
  else services.events.emit({ type: "write-dropped", reason: "ended" });
}

/** @returns how many messages made room. */
function write(
  services: Services,
  handle: RecordHandle,
  record: SessionRecord,
  changes: Changes,
  permanent: boolean | undefined,
  takesCookie: boolean,
): MaybePromise<number> {
  const { columns, resends } = handle.touch(takesCookie);
  const due = columns === undefined ? {} : { columns };
  if (permanent !== undefined && permanent !== record.permanent) {
    const lifetime = { ...columns, ...lifetimeOf(services.timeouts, permanent, startOf(record)) };
    const patch = { ...changes, columns: lifetime };
    return andThen(writeAndResend(handle, record, patch), (outcome) =>
      afterWrite(services, handle, patch, outcome),
    );
  }
  if (changes.set.size === 0 && changes.remove.length === 0)
    return andThen(touch(handle, record, takesCookie), () => 0);
  const patch = { ...changes, ...due };
  return andThen(resends === true ? writeAndResend(handle, record, patch) : handle.patch(patch), (outcome) =>
    afterWrite(services, handle, patch, outcome),
  );
}

/** Writes what gives the cookie another lifetime, and sends it again, but only while its ticket is still the current one. */
function writeAndResend(
  handle: RecordHandle,
  { verifier }: SessionRecord,
  patch: Omit<Patch, "epoch">,
): MaybePromise<PatchOutcome> {
  return andThen(handle.patch({ ...patch, expect: { verifier } }), (outcome) => {
    if (outcome.kind === "applied") handle.resendTicket();
    if (outcome.kind !== "conflict") return outcome;
    // Rotated by a request beside this one: that one's cookie counts, and what was to be written still holds.
    handle.cookie.withdraw();
    return handle.patch(patch);
  });
}

/** @throws LimitError when requests beside this one had filled the session, which then is as they left it. */
function afterWrite(
  services: Services,
  handle: RecordHandle,
  patch: Omit<Patch, "epoch">,
  outcome: PatchOutcome,
): number {
  if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
  if (outcome.kind === "gone") handle.markGone();
  return madeRoom(patch, outcome);
}

/**
 * Seals again, with the newest key, what an older key has sealed or signed, so that the old key can
 * be taken out later without logging anybody out. Never over a change of another request.
 */
function reseal(
  services: Services,
  handle: RecordHandle,
  record: SessionRecord,
  written: ReadonlySet<string>,
  takesCookie: boolean,
): MaybePromise<void> {
  const { sealer } = services.codec;
  const resends = takesCookie && handle.needsResend;
  const expect = new Map<string, Uint8Array>();
  const set = new Map<string, Uint8Array>();
  if (sealer?.hasOlderKeys === true) {
    for (const [name, bytes] of record.fields) {
      if (written.has(name) || !sealer.isSealedByOldKey(bytes)) continue;
      const plain = sealer.unseal(record.id, name, bytes);
      if (plain === undefined) continue;
      expect.set(name, bytes);
      set.set(name, sealer.seal(record.id, name, plain));
    }
  }
  if (set.size === 0 && !resends) return undefined;
  const patch = { expect: { verifier: record.verifier, fields: expect }, set };
  return andThen(
    ignoringStoreErrors(() => handle.patch(patch)),
    (outcome) => {
      if (outcome?.kind !== "applied") return;
      if (resends) handle.resendTicket();
      services.events.emit({ type: "resealed", id: record.id });
    },
  );
}

function nothing(): void {}
