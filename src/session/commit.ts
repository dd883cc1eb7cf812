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
 * The kind of response:
 * - `page`: the visitor gets a page.
 * - `redirect`: a redirect or 304. Data is written, but the visitor has seen no flash message.
 * - `failed`: the handler threw or responded with 5xx. Data and messages stay as they were before.
 */
export type ResponseOutcome = "page" | "redirect" | "failed";

/** The kind of response that a handler makes which ended so. */
export function outcomeOf(end: { readonly status: number } | "threw"): ResponseOutcome {
  if (end === "threw" || end.status >= 500) return "failed";
  return end.status >= 300 && end.status < 400 ? "redirect" : "page";
}

/** The input of a commit: what one request does with a session. */
export interface PendingChanges {
  readonly services: Services;
  readonly handle: RecordHandle;
  readonly data: SessionData;
  /** `undefined` if the request has not used messages. */
  flashes: FlashQueue | undefined;
  /** The value that the request set `permanent` to, or `undefined`. */
  permanent: boolean | undefined;
  /** The lifetime that the request set together with `permanent`; `undefined` for `permanentLifetime`. */
  ownLifetime: number | undefined;
  /** Whether the request has logged out, so that only `flash` and `login` may follow. */
  isLoggedOut: boolean;
  /** What an adapter does in the commit beside that; `undefined` for most. */
  extension: CommitExtension | undefined;
}

/** The state before the request has done anything. */
export function pendingChanges(services: Services, handle: RecordHandle, data: SessionData): PendingChanges {
  return {
    services,
    handle,
    data,
    flashes: undefined,
    permanent: undefined,
    ownLifetime: undefined,
    isLoggedOut: false,
    extension: undefined,
  };
}

/** What an adapter does in the commit. */
export interface CommitExtension {
  /** Whether it has something to do, even if the handler changed no data. */
  readonly isDue: boolean;
  /** Called in the commit, before the changes are written. An error fails the commit. */
  beforeCommit(outcome: ResponseOutcome): MaybePromise<void>;
}

/** The field changes of a commit. */
type Changes = Required<Pick<Patch, "set" | "remove">> & Pick<Patch, "limits" | "newest">;

/** Whether a commit has anything to do. If not, the response does not have to wait for it. */
export function needsCommit(pending: PendingChanges): boolean {
  const { handle, services } = pending;
  return isModified(pending) || handle.mustConfirmCookie || isMaintenanceDue(services, handle);
}

/** Whether the handler made changes that are not written yet, or is still making them. */
export function isModified(pending: PendingChanges): boolean {
  return !isUnmodified(pending) || !pending.handle.isIdle || pending.extension?.isDue === true;
}

/** What the request has changed or taken so far, item by item. The items are the same as before if nothing changed. */
export function changesOf({ data, flashes, permanent }: PendingChanges): readonly unknown[] {
  const messages = flashes === undefined ? [] : [...flashes.additionNames, ...flashes.taken().keys()];
  return [permanent, ...data.changesSoFar(), ...messages];
}

/** Commits after calls that the handler did not await; synchronously if there is nothing to wait for. */
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

/** Whether a request that only read still has something to write. */
function isMaintenanceDue({ codec: { sealer }, clock, keyring }: Services, handle: RecordHandle): boolean {
  const record = handle.current;
  if (record === null) return false;
  if (handle.needsResend || isTouchDue(record, clock.now())) return true;
  // With a single key no field can be old, so the fields need not be read.
  if (sealer === undefined || !keyring.hasOlderKeys) return false;
  for (const bytes of record.fields.values()) if (sealer.isSealedByOldKey(bytes)) return true;
  return false;
}

/**
 * Writes the changes of a request as one patch, before the first byte of its response leaves. Without changes it
 * writes only what maintenance is due: `lastSeenAt`, and what must be sealed or signed again. Synchronous if the
 * store is.
 *
 * @param takesCookie whether the response can set cookies; if not, what needs one waits for a response that can.
 * @throws StoreError if the data could not be written; MisuseError or LimitError if it can't be stored.
 */
function commit(pending: PendingChanges, outcome: ResponseOutcome, takesCookie: boolean): MaybePromise<void> {
  return andThen(outcome === "failed" ? giveUp(pending) : writeOrRestore(pending, outcome, takesCookie), () =>
    pending.handle.confirm(),
  );
}

/** What is left to do for a handler that failed. */
function giveUp(pending: PendingChanges): MaybePromise<void> {
  const { extension } = pending;
  if (extension === undefined) return restoreFlashes(pending);
  return andThen(restoreFlashes(pending), () => extension.beforeCommit("failed"));
}

function writeOrRestore(
  pending: PendingChanges,
  outcome: ResponseOutcome,
  takesCookie: boolean,
): MaybePromise<void> {
  const { extension } = pending;
  const commitAll = (): MaybePromise<void> => commitChanges(pending, outcome, takesCookie);
  return attempt(
    extension === undefined ? commitAll : () => andThen(extension.beforeCommit(outcome), commitAll),
    () => undefined,
    // If the data can't be written the page fails too, and nobody sees the messages that it took.
    (error) =>
      andThen(restoreFlashes(pending), () => {
        throw error;
      }),
  );
}

/** Writes the changes of a request as one patch, or starts a session with them. */
export function commitChanges(
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
      ? andThen(startSession(pending, texts), () => reportDropped(pending, dropped))
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
  return andThen(write(pending, record, changes, takesCookie), (droppedByStore) => {
    if (handle.current === null) return undefined;
    reportDropped(pending, dropped + droppedByStore);
    return reseal(services, handle, record, new Set([...set.keys(), ...remove]), takesCookie);
  });
}

function reportDropped({ services, handle }: PendingChanges, count: number): void {
  if (count > 0 && handle.current !== null)
    services.events.emit({ type: "flashes-dropped", id: handle.current.id, count });
}

/** Emits the event that changes are dropped because the client went away. */
export function reportClientLeft({ services, handle }: PendingChanges): void {
  const event = { type: "write-dropped", reason: "client-left" } as const;
  const id = handle.current?.id;
  services.events.emit(id === undefined ? event : { ...event, id });
}

function restoreFlashes(pending: PendingChanges): MaybePromise<void> {
  const { handle, flashes } = pending;
  if (flashes === undefined || flashes.taken().size === 0) return undefined;
  const canWait = handle.calls.remaining > 0;
  // The response no longer waits for a store that hangs, but the store may recover.
  if (!canWait) handle.calls.restartDeadline();
  const patch = { set: flashes.taken(), newest: flashes.newest };
  const restored = ignoringStoreErrors(() => handle.patch(patch));
  const reported = andThen(restored, (outcome) => reportDropped(pending, countDropped(patch, outcome)));
  return canWait ? reported : undefined;
}

/** Returns how many messages a patch removed to make room for those that it set. */
function countDropped({ newest }: Pick<Patch, "newest">, outcome: PatchOutcome | undefined): number {
  if (newest === undefined || outcome?.kind !== "applied") return 0;
  return outcome.removed.filter((name) => name.startsWith(newest.prefix)).length;
}

/** Does what is due after a request that only read: updates `lastSeenAt`, and seals fields with the newest key. */
function maintain(services: Services, handle: RecordHandle, takesCookie: boolean): MaybePromise<void> {
  const record = handle.current;
  if (record === null) return undefined;
  return andThen(touch(handle, record, takesCookie), () =>
    handle.current === null ? undefined : reseal(services, handle, record, new Set(), takesCookie),
  );
}

/** Updates `lastSeenAt` if that is due. A failure costs the visitor nothing now, so it does not fail the page. */
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

/** Starts a session with the texts of its first fields, if this request may start one. */
async function startSession(
  { services, handle, permanent, ownLifetime }: PendingChanges,
  texts: ReadonlyMap<string, string>,
): Promise<void> {
  // If this request logged out a while ago, another tab may have logged in since.
  await handle.confirm();
  if (handle.canStart) await handle.create({ subject: null, permanent, ownLifetime }, texts);
  else services.events.emit({ type: "write-dropped", reason: "ended" });
}

/** @returns how many messages were dropped to make room. */
function write(
  { services, handle, permanent, ownLifetime }: PendingChanges,
  record: SessionRecord,
  changes: Changes,
  takesCookie: boolean,
): MaybePromise<number> {
  const isNewLifetime =
    permanent !== undefined &&
    (permanent !== record.permanent || (ownLifetime !== undefined && ownLifetime !== record.idleTimeout));
  const changesData = changes.set.size > 0 || changes.remove.length > 0;
  if (!isNewLifetime && !changesData) return andThen(touch(handle, record, takesCookie), () => 0);
  const { columns, resends } = handle.touch(takesCookie, changesData);
  const lifetime = isNewLifetime && lifetimeOf(services.timeouts, permanent, startOf(record), ownLifetime);
  const due = isNewLifetime || columns !== undefined ? { columns: { ...columns, ...lifetime } } : {};
  const patch = { ...changes, ...due };
  return andThen(
    isNewLifetime || resends === true ? writeAndResend(handle, record, patch) : handle.patch(patch),
    (outcome) => afterWrite(services, handle, patch, outcome),
  );
}

/**
 * Writes a patch that changes the cookie's lifetime, and sends the cookie again if its ticket is still the current
 * one.
 */
function writeAndResend(
  handle: RecordHandle,
  { verifier }: SessionRecord,
  patch: Omit<Patch, "epoch">,
): MaybePromise<PatchOutcome> {
  return andThen(handle.patch({ ...patch, expect: { verifier } }), (outcome) => {
    if (outcome.kind === "applied") handle.resendTicket();
    if (outcome.kind !== "conflict") return outcome;
    // A concurrent request has rotated the ticket. Its cookie counts, but the changes of this request are still valid.
    handle.cookie.withdraw();
    return handle.patch(patch);
  });
}

/** @throws LimitError if concurrent requests have filled the session; this request then changes nothing. */
function afterWrite(
  services: Services,
  handle: RecordHandle,
  patch: Omit<Patch, "epoch">,
  outcome: PatchOutcome,
): number {
  if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
  if (outcome.kind === "gone") handle.markGone();
  return countDropped(patch, outcome);
}

/**
 * Seals and signs with the newest key what an older key sealed or signed, so that the old key can be removed later
 * without logging anybody out. Never overwrites a change of another request.
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
  if (sealer !== undefined && services.keyring.hasOlderKeys) {
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
