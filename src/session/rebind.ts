import type { RequestLike } from "../http/request.ts";
import { userAgentOf } from "../http/request.ts";
import { fieldName } from "../services/field-codec.ts";
import { limitError } from "../services/limits.ts";
import { lifetimeOf } from "../services/timeouts.ts";
import type { SessionRecord } from "../record/record.ts";
import type { PendingChanges } from "./commit.ts";
import type { DataChanges } from "./data-changes.ts";
import { noteSuccession } from "./login.ts";

/**
 * Binds the session to another subject, or to none, and writes this request's changes of data with the same patch.
 * All data stays. The session gets a new ticket and a new epoch: the old ticket, and requests in progress, open and
 * change nothing. Run it in the handle's queue.
 *
 * @throws StoreError, LimitError, and MisuseError if a value can't be stored.
 */
export async function rebind(
  pending: PendingChanges,
  subject: string | null,
  request: RequestLike,
): Promise<void> {
  const { services, handle, data, permanent, ownLifetime } = pending;
  // As for a login and a logout by the session's own methods.
  const retired = handle.hasClient ? handle.retireOldCookies() : undefined;
  if (retired !== undefined) await retired;
  const { current: record } = handle;
  const changes = data.changes();
  const saved = data.pendingChanges;
  const agent = subject === null ? undefined : JSON.stringify(userAgentOf(request));
  const isMoved =
    record !== null &&
    (subject === null || handle.hasClient) &&
    (await move(pending, record, subject, changes, agent));
  if (!isMoved) {
    if (agent === undefined) {
      handle.markGone();
      return;
    }
    const texts = new Map(changes.set).set(fieldName.agent, agent);
    await handle.create({ subject, permanent, ownLifetime }, texts);
    await noteSuccession(services, handle, record);
  }
  pending.permanent = undefined;
  pending.ownLifetime = undefined;
  if (handle.current === null) return;
  data.saved(saved, handle.current);
  pending.flashes?.rebase(handle.current);
  const { id } = handle.current;
  services.events.emit(
    subject === null
      ? { type: "logout", id, subject: record?.subject ?? null }
      : { type: "login", id, subject },
  );
}

/** @returns `false` if the session had ended meanwhile. */
async function move(
  { services, handle, data, permanent, ownLifetime }: PendingChanges,
  record: SessionRecord,
  subject: string | null,
  { set, remove }: DataChanges,
  agent: string | undefined,
): Promise<boolean> {
  const texts = new Map(set);
  if (agent !== undefined) texts.set(fieldName.agent, agent);
  const now = services.clock.now();
  const isPermanent = permanent ?? record.permanent;
  const lifetime = ownLifetime ?? (record.permanent ? record.idleTimeout : undefined);
  const outcome = await handle.replaceTicket({
    set: new Map(Array.from(texts, ([name, text]) => [name, services.codec.encode(record.id, name, text)])),
    remove: agent === undefined ? [...remove, fieldName.agent] : remove,
    ...(set.size > 0 && { limits: data.limitsAt(handle.completeAt) }),
    columns: {
      epoch: record.epoch + 1,
      subject,
      authenticatedAt: subject === null ? null : now,
      lastSeenAt: now,
      createdAt: record.subject === null ? record.createdAt : now,
      ...lifetimeOf(services.timeouts, isPermanent, now, lifetime),
    },
  });
  if (outcome.kind === "full") throw limitError(outcome.limit, services.limits);
  return outcome.kind === "applied";
}
