import { StoreError } from "../errors.ts";
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
  return isUntouched(use) && use.live.isIdle && !isUpkeepDue(use.context, use.live);
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
  if (sealer !== undefined) for (const bytes of record.fields.values()) if (sealer.isAged(bytes)) return true;
  return false;
}

/**
 * Writes what a request changed as one patch, before the first byte of its response leaves.
 * Nothing is written where nothing changed, except that the idle clock is moved when that is due.
 *
 * @throws StoreError when the data could not be written; MisuseError or LimitError when it can't be kept.
 */
export async function commit(use: SessionUse, fate: ResponseFate): Promise<void> {
  if (fate === "failed") {
    await giveBack(use);
    return;
  }
  try {
    await commitChanges(use, fate);
  } catch (error) {
    // The page fails with its data, and nobody sees the messages it took.
    await giveBack(use);
    throw error;
  }
}

async function commitChanges(
  { context, live, data, flashes, permanent }: SessionUse,
  fate: ResponseFate,
): Promise<void> {
  if (fate === "unseen") flashes?.keepTakenAdditions();
  if (isUntouched({ data, flashes, permanent })) {
    await keepFresh(context, live);
    return;
  }
  const { set: dataTexts, remove } = data.changes();
  const texts = new Map([...dataTexts, ...(flashes?.additions() ?? [])]);
  const record = live.current;
  if (record === null) {
    if (texts.size > 0) await begin(context, live, texts, permanent);
    return;
  }
  const set = new Map(
    Array.from(texts, ([name, text]) => [name, context.codec.encode(record.id, name, text)]),
  );
  if (fate === "unseen") for (const [name, bytes] of flashes?.taken() ?? []) set.set(name, bytes);
  await write(context, live, record, { set, remove }, permanent);
  if (live.current !== null) await reseal(context, live, record, new Set([...set.keys(), ...remove]));
}

async function giveBack({ live, flashes }: SessionUse): Promise<void> {
  if (flashes === undefined || flashes.taken().size === 0) return;
  const isWaitedFor = live.calls.left > 0;
  // Nobody waits any longer for a store that hangs, but it may come round.
  if (!isWaitedFor) live.calls.renew();
  const givenBack = quietly(live.patch({ set: flashes.taken() }));
  if (isWaitedFor) await givenBack;
}

/** What a request that only read still has to do, now and then: move the idle clock, and seal with the newest key. */
async function keepFresh(context: Context, live: LiveRecord): Promise<void> {
  const record = live.current;
  if (record === null) return;
  await touch(live);
  await reseal(context, live, record, new Set());
}

/** Moves the idle clock where that is due. If it fails the visitor loses nothing now, so they must not lose their page. */
async function touch(live: LiveRecord): Promise<void> {
  const columns = live.touch();
  if (columns.lastSeenAt !== undefined) await quietly(live.patch({ columns }));
}

async function begin(
  context: Context,
  live: LiveRecord,
  texts: ReadonlyMap<string, string>,
  permanent: boolean | undefined,
): Promise<void> {
  if (live.mayBegin) await live.begin({ subject: null, permanent: permanent ?? false }, texts);
  else context.events.emit({ type: "write-dropped" });
}

async function write(
  context: Context,
  live: LiveRecord,
  record: SessionRecord,
  changes: Required<Pick<Patch, "set" | "remove">>,
  permanent: boolean | undefined,
): Promise<void> {
  const columns = live.touch();
  if (permanent !== undefined && permanent !== record.permanent) {
    // The cookie goes out again with another lifetime, but only while its ticket is still the current one.
    const lifetime = { ...columns, ...lifetimeOf(context.timeouts, permanent, startOf(record)) };
    const outcome = await live.patch({
      ...changes,
      columns: lifetime,
      expect: { verifier: record.verifier },
    });
    if (outcome.kind === "applied") {
      live.resendTicket();
      return;
    }
    // Rotated by a request beside this one: that one's cookie counts, and the change of lifetime still holds.
    if (outcome.kind === "gone" || (await live.patch({ ...changes, columns: lifetime })).kind === "gone")
      live.lose();
  } else if (changes.set.size > 0 || changes.remove.length > 0) {
    if ((await live.patch({ ...changes, columns })).kind === "gone") live.lose();
  } else {
    await touch(live);
  }
}

/**
 * Seals again, with the newest key, what an older key has sealed or signed, so that the old key can
 * be taken out later without logging anybody out. Never over a change of another request.
 */
async function reseal(
  context: Context,
  live: LiveRecord,
  record: SessionRecord,
  written: ReadonlySet<string>,
): Promise<void> {
  const { sealer } = context.codec;
  const resends = live.resendIsDue;
  if (sealer === undefined && !resends) return;
  const expect = new Map<string, Uint8Array>();
  const set = new Map<string, Uint8Array>();
  for (const [name, bytes] of record.fields) {
    if (sealer === undefined || written.has(name) || !sealer.isAged(bytes)) continue;
    const plain = sealer.unseal(record.id, name, bytes);
    if (plain === undefined) continue;
    expect.set(name, bytes);
    set.set(name, sealer.seal(record.id, name, plain));
  }
  if (set.size === 0 && !resends) return;
  const outcome = await quietly(live.patch({ expect: { verifier: record.verifier, fields: expect }, set }));
  if (outcome?.kind !== "applied") return;
  if (resends) live.resendTicket();
  context.events.emit({ type: "resealed", id: record.id });
}

/** Waits for a write that no visitor should suffer from; the store's trouble has been told as an event. */
async function quietly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}
