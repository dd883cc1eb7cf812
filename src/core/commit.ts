import { StoreError } from "../errors.ts";
import { andThen, orElse } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Context } from "./context.ts";
import type { FlashQueue } from "./flash-queue.ts";
import type { LiveRecord } from "./live-record.ts";
import type { Patch, SessionRecord } from "./record.ts";
import type { SessionData } from "./session-data.ts";
import { isTouchDue, lifetimeOf, startOf } from "./timeouts.ts";

/**
 * What becomes of the response:
 * - `seen`: the visitor gets a page.
 * - `unseen`: a redirect or 304: data counts, but no flash message was read.
 * - `failed`: the handler threw or answered 5xx: data and messages are as they were before.
 */
export type ResponseFate = "seen" | "unseen" | "failed";

/** What a commit goes by: what one request does with a session. */
export interface SessionUse {
  readonly context: Context;
  readonly live: LiveRecord;
  readonly data: SessionData;
  /** `undefined` when nobody has asked for messages. */
  flashes: FlashQueue | undefined;
  /** What the request asked `permanent` to be, or `undefined`. */
  permanent: boolean | undefined;
}

/** Whether a commit would do nothing at all, so that the response needs not wait for it. */
export function hasNothingToCommit(use: SessionUse): boolean {
  return !hasChanges(use) && !isUpkeepDue(use.context, use.live);
}

/** Whether the handler did something that is not written yet. */
export function hasChanges(use: SessionUse): boolean {
  return !isUntouched(use) || !use.live.isIdle;
}

function isUntouched({
  data,
  flashes,
  permanent,
}: Pick<SessionUse, "data" | "flashes" | "permanent">): boolean {
  return data.isUntouched && (flashes === undefined || flashes.isUntouched) && permanent === undefined;
}

/** Whether a request that only read has to write after all. */
function isUpkeepDue({ codec: { sealer }, clock }: Context, live: LiveRecord): boolean {
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
 * @throws StoreError when the data could not be written; MisuseError or LimitError when it can't be kept.
 */
export function commit(use: SessionUse, fate: ResponseFate): Awaitable<void> {
  if (fate === "failed") return giveBack(use);
  return orElse(
    () => commitChanges(use, fate),
    // The page fails with its data, and nobody sees the messages it took.
    (error) =>
      andThen(giveBack(use), () => {
        throw error;
      }),
  );
}

function commitChanges(
  { context, live, data, flashes, permanent }: SessionUse,
  fate: ResponseFate,
): Awaitable<void> {
  if (fate === "unseen") flashes?.keepTakenAdditions();
  if (isUntouched({ data, flashes, permanent })) return keepFresh(context, live);
  const { set: dataTexts, remove } = data.changes();
  const texts = new Map([...dataTexts, ...(flashes?.additions() ?? [])]);
  const record = live.current;
  if (record === null) return texts.size > 0 ? begin(context, live, texts, permanent) : undefined;
  const set = new Map(
    Array.from(texts, ([name, text]) => [name, context.codec.encode(record.id, name, text)]),
  );
  if (fate === "unseen") for (const [name, bytes] of flashes?.taken() ?? []) set.set(name, bytes);
  return andThen(write(context, live, record, { set, remove }, permanent), () =>
    live.current === null ? undefined : reseal(context, live, record, new Set([...set.keys(), ...remove])),
  );
}

function giveBack({ live, flashes }: SessionUse): Awaitable<void> {
  if (flashes === undefined || flashes.taken().size === 0) return undefined;
  const isWaitedFor = live.calls.left > 0;
  // Nobody waits any longer for a store that hangs, but it may come round.
  if (!isWaitedFor) live.calls.renew();
  const givenBack = quietly(() => live.patch({ set: flashes.taken() }));
  return isWaitedFor ? andThen(givenBack, nothing) : undefined;
}

/** What a request that only read still has to do, now and then: move the idle clock, and seal with the newest key. */
function keepFresh(context: Context, live: LiveRecord): Awaitable<void> {
  const record = live.current;
  if (record === null) return undefined;
  return andThen(touch(live), () => reseal(context, live, record, new Set()));
}

/** Moves the idle clock where that is due. If it fails the visitor loses nothing now, so they must not lose their page. */
function touch(live: LiveRecord): Awaitable<void> {
  const { columns } = live.touch();
  if (columns === undefined) return undefined;
  return andThen(
    quietly(() => live.patch({ columns })),
    nothing,
  );
}

async function begin(
  context: Context,
  live: LiveRecord,
  texts: ReadonlyMap<string, string>,
  permanent: boolean | undefined,
): Promise<void> {
  if (live.mayBegin) await live.begin({ subject: null, permanent: permanent ?? false }, texts);
  else context.events.emit({ type: "write-dropped", reason: "ended" });
}

function write(
  context: Context,
  live: LiveRecord,
  record: SessionRecord,
  changes: Required<Pick<Patch, "set" | "remove">>,
  permanent: boolean | undefined,
): Awaitable<void> {
  const due = live.touch();
  if (permanent !== undefined && permanent !== record.permanent) {
    const lifetime = { ...due.columns, ...lifetimeOf(context.timeouts, permanent, startOf(record)) };
    return writeLifetime(live, record, { ...changes, columns: lifetime });
  }
  if (changes.set.size === 0 && changes.remove.length === 0) return touch(live);
  return andThen(live.patch({ ...changes, ...due }), ({ kind }) => {
    if (kind === "gone") live.lose();
  });
}

async function writeLifetime(
  live: LiveRecord,
  record: SessionRecord,
  patch: Omit<Patch, "epoch">,
): Promise<void> {
  // The cookie goes out again with another lifetime, but only while its ticket is still the current one.
  const outcome = await live.patch({ ...patch, expect: { verifier: record.verifier } });
  if (outcome.kind === "applied") {
    live.resendTicket();
    return;
  }
  // Rotated by a request beside this one: that one's cookie counts, and the change of lifetime still holds.
  if (outcome.kind === "gone" || (await live.patch(patch)).kind === "gone") live.lose();
}

/**
 * Seals again, with the newest key, what an older key has sealed or signed, so that the old key can
 * be taken out later without logging anybody out. Never over a change of another request.
 */
function reseal(
  context: Context,
  live: LiveRecord,
  record: SessionRecord,
  written: ReadonlySet<string>,
): Awaitable<void> {
  const { sealer } = context.codec;
  const resends = live.resendIsDue;
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
    quietly(() => live.patch(patch)),
    (outcome) => {
      if (outcome?.kind !== "applied") return;
      if (resends) live.resendTicket();
      context.events.emit({ type: "resealed", id: record.id });
    },
  );
}

/** Does a write that no visitor should suffer from; the store's trouble has been told as an event. */
function quietly<T>(work: () => Awaitable<T>): Awaitable<T | undefined> {
  return orElse<T | undefined>(work, (error) => {
    if (error instanceof StoreError) return undefined;
    throw error;
  });
}

function nothing(): void {}
