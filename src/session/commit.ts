import { andThen, orElse } from "../runtime/maybe-async.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";
import type { Services } from "../services/services.ts";
import type { FlashQueue } from "./flashes.ts";
import type { LiveRecord } from "./record-handle.ts";
import { limitError } from "../services/limits.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { SessionData } from "./data.ts";
import { isTouchDue, lifetimeOf, startOf } from "../services/timeouts.ts";

/**
 * What becomes of the response:
 * - `seen`: the visitor gets a page.
 * - `unseen`: a redirect or 304: data counts, but no flash message was read.
 * - `failed`: the handler threw or answered 5xx: data and messages are as they were before.
 */
export type ResponseFate = "seen" | "unseen" | "failed";

/** What a commit goes by: what one request does with a session. */
export interface SessionUse {
  readonly services: Services;
  readonly live: LiveRecord;
  readonly data: SessionData;
  /** `undefined` when nobody has asked for messages. */
  flashes: FlashQueue | undefined;
  /** What the request asked `permanent` to be, or `undefined`. */
  permanent: boolean | undefined;
}

/** What a commit does to a record's fields. */
type Changes = Required<Pick<Patch, "set" | "remove">> & Pick<Patch, "limits" | "newest">;

/** Whether a commit would do nothing at all, so that the response needs not wait for it. */
export function hasNothingToCommit(use: SessionUse): boolean {
  return !hasChanges(use) && !use.live.cookie.isQuestionable && !isUpkeepDue(use.services, use.live);
}

/** Whether the handler did something that is not written yet. */
export function hasChanges(use: SessionUse): boolean {
  return !isUntouched(use) || !use.live.isIdle;
}

/** Commits after what the handler called and did not wait for; at once where there is nothing to wait for. */
export function commitInTurn(use: SessionUse, fate: ResponseFate, takesCookie: boolean): Awaitable<void> {
  return hasNothingToCommit(use) ? undefined : use.live.inTurn(() => commit(use, fate, takesCookie));
}

function isUntouched({
  data,
  flashes,
  permanent,
}: Pick<SessionUse, "data" | "flashes" | "permanent">): boolean {
  return data.isUntouched && (flashes === undefined || flashes.isUntouched) && permanent === undefined;
}

/** Whether a request that only read has to write after all. */
function isUpkeepDue({ codec: { sealer }, clock }: Services, live: LiveRecord): boolean {
  const record = live.current;
  if (record === null) return false;
  if (live.resendIsDue || isTouchDue(record, clock.now())) return true;
  // With one key alone there is nothing to look at, and no field to take out of its record.
  if (sealer?.hasOlderKeys !== true) return false;
  for (const bytes of record.fields.values()) if (sealer.isAged(bytes)) return true;
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
function commit(use: SessionUse, fate: ResponseFate, takesCookie: boolean): Awaitable<void> {
  return andThen(fate === "failed" ? giveBack(use) : keep(use, fate, takesCookie), () => use.live.confirm());
}

function keep(use: SessionUse, fate: ResponseFate, takesCookie: boolean): Awaitable<void> {
  return orElse(
    () => commitChanges(use, fate, takesCookie),
    // The page fails with its data, and nobody sees the messages it took.
    (error) =>
      andThen(giveBack(use), () => {
        throw error;
      }),
  );
}

function commitChanges(use: SessionUse, fate: ResponseFate, takesCookie: boolean): Awaitable<void> {
  const { services, live, data, flashes, permanent } = use;
  if (fate === "unseen") flashes?.keepTakenAdditions();
  if (isUntouched({ data, flashes, permanent })) return keepFresh(services, live, takesCookie);
  const { set: dataTexts, remove } = data.changes();
  const texts = new Map([...dataTexts, ...(flashes?.additions() ?? [])]);
  const dropped = flashes?.dropped(fate === "seen") ?? 0;
  const record = live.current;
  if (record === null)
    return texts.size > 0
      ? andThen(begin(services, live, texts, permanent), () => tellDropped(use, dropped))
      : undefined;
  const set = new Map(
    Array.from(texts, ([name, text]) => [name, services.codec.encode(record.id, name, text)]),
  );
  if (fate === "unseen") for (const [name, bytes] of flashes?.taken() ?? []) set.set(name, bytes);
  const changes: Changes = {
    set,
    remove,
    ...(dataTexts.size > 0 && { limits: data.limitsAt(live.wholeAt) }),
    ...(flashes !== undefined && set.size > dataTexts.size && { newest: flashes.newest }),
  };
  return andThen(write(services, live, record, changes, permanent, takesCookie), (made) => {
    if (live.current === null) return undefined;
    tellDropped(use, dropped + made);
    return reseal(services, live, record, new Set([...set.keys(), ...remove]), takesCookie);
  });
}

function tellDropped({ services, live }: SessionUse, count: number): void {
  if (count > 0 && live.current !== null)
    services.events.emit({ type: "flashes-dropped", id: live.current.id, count });
}

function giveBack(use: SessionUse): Awaitable<void> {
  const { live, flashes } = use;
  if (flashes === undefined || flashes.taken().size === 0) return undefined;
  const isWaitedFor = live.calls.left > 0;
  // Nobody waits any longer for a store that hangs, but it may come round.
  if (!isWaitedFor) live.calls.renew();
  const patch = { set: flashes.taken(), newest: flashes.newest };
  const givenBack = ignoringStoreErrors(() => live.patch(patch));
  const told = andThen(givenBack, (outcome) => tellDropped(use, madeRoom(patch, outcome)));
  return isWaitedFor ? told : undefined;
}

/** How many messages a patch has removed to make room for those that it set. */
function madeRoom({ newest }: Pick<Patch, "newest">, outcome: PatchOutcome | undefined): number {
  if (newest === undefined || outcome?.kind !== "applied") return 0;
  return outcome.removed.filter((name) => name.startsWith(newest.prefix)).length;
}

/** What a request that only read still has to do, now and then: move the idle clock, and seal with the newest key. */
function keepFresh(services: Services, live: LiveRecord, takesCookie: boolean): Awaitable<void> {
  const record = live.current;
  if (record === null) return undefined;
  return andThen(touch(live, record, takesCookie), () =>
    live.current === null ? undefined : reseal(services, live, record, new Set(), takesCookie),
  );
}

/** Moves the idle clock where that is due. If it fails the visitor loses nothing now, so they must not lose their page. */
function touch(live: LiveRecord, record: SessionRecord, takesCookie: boolean): Awaitable<void> {
  const { columns, resends } = live.touch(takesCookie);
  if (columns === undefined) return undefined;
  return andThen(
    ignoringStoreErrors(() =>
      resends === true ? writeAndResend(live, record, { columns }) : live.patch({ columns }),
    ),
    nothing,
  );
}

async function begin(
  services: Services,
  live: LiveRecord,
  texts: ReadonlyMap<string, string>,
  permanent: boolean | undefined,
): Promise<void> {
  // After a logout that is long ago, another tab may have logged in.
  await live.confirm();
  if (live.mayBegin) await live.begin({ subject: null, permanent: permanent ?? false }, texts);
  else services.events.emit({ type: "write-dropped", reason: "ended" });
}

/** @returns how many messages made room. */
function write(
  services: Services,
  live: LiveRecord,
  record: SessionRecord,
  changes: Changes,
  permanent: boolean | undefined,
  takesCookie: boolean,
): Awaitable<number> {
  const { columns, resends } = live.touch(takesCookie);
  const due = columns === undefined ? {} : { columns };
  if (permanent !== undefined && permanent !== record.permanent) {
    const lifetime = { ...columns, ...lifetimeOf(services.timeouts, permanent, startOf(record)) };
    const patch = { ...changes, columns: lifetime };
    return andThen(writeAndResend(live, record, patch), (outcome) =>
      afterWrite(services, live, patch, outcome),
    );
  }
  if (changes.set.size === 0 && changes.remove.length === 0)
    return andThen(touch(live, record, takesCookie), () => 0);
  const patch = { ...changes, ...due };
  return andThen(resends === true ? writeAndResend(live, record, patch) : live.patch(patch), (outcome) =>
    afterWrite(services, live, patch, outcome),
  );
}

/** Writes what gives the cookie another lifetime, and sends it again, but only while its ticket is still the current one. */
function writeAndResend(
  live: LiveRecord,
  { verifier }: SessionRecord,
  patch: Omit<Patch, "epoch">,
): Awaitable<PatchOutcome> {
  return andThen(live.patch({ ...patch, expect: { verifier } }), (outcome) => {
    if (outcome.kind === "applied") live.resendTicket();
    if (outcome.kind !== "conflict") return outcome;
    // Rotated by a request beside this one: that one's cookie counts, and what was to be written still holds.
    live.cookie.yield();
    return live.patch(patch);
  });
}

/** @throws LimitError when requests beside this one had filled the session, which then is as they left it. */
function afterWrite(
  services: Services,
  live: LiveRecord,
  patch: Omit<Patch, "epoch">,
  outcome: PatchOutcome,
): number {
  if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
  if (outcome.kind === "gone") live.lose();
  return madeRoom(patch, outcome);
}

/**
 * Seals again, with the newest key, what an older key has sealed or signed, so that the old key can
 * be taken out later without logging anybody out. Never over a change of another request.
 */
function reseal(
  services: Services,
  live: LiveRecord,
  record: SessionRecord,
  written: ReadonlySet<string>,
  takesCookie: boolean,
): Awaitable<void> {
  const { sealer } = services.codec;
  const resends = takesCookie && live.resendIsDue;
  const expect = new Map<string, Uint8Array>();
  const set = new Map<string, Uint8Array>();
  if (sealer?.hasOlderKeys === true) {
    for (const [name, bytes] of record.fields) {
      if (written.has(name) || !sealer.isAged(bytes)) continue;
      const plain = sealer.unseal(record.id, name, bytes);
      if (plain === undefined) continue;
      expect.set(name, bytes);
      set.set(name, sealer.seal(record.id, name, plain));
    }
  }
  if (set.size === 0 && !resends) return undefined;
  const patch = { expect: { verifier: record.verifier, fields: expect }, set };
  return andThen(
    ignoringStoreErrors(() => live.patch(patch)),
    (outcome) => {
      if (outcome?.kind !== "applied") return;
      if (resends) live.resendTicket();
      services.events.emit({ type: "resealed", id: record.id });
    },
  );
}

function nothing(): void {}
