import type { Context } from "../services/services.ts";
import { endingPatch } from "./end.ts";
import { fieldName } from "../services/field-codec.ts";
import { bytesOf } from "../record/fields.ts";
import type { SessionRecord } from "../record/record.ts";
import { isRecordId, nobodysVerifier, verifiersEqual } from "../crypto/ticket.ts";
import { TimeSlices } from "../runtime/time-slices.ts";
import { endOf } from "../services/timeouts.ts";

/** A session as its owner, or an administrator, may see it. Nothing in it opens the session. */
export interface SessionInfo {
  /** The record's public name: what `revoke` takes. */
  readonly id: string;
  readonly subject: string;
  readonly createdAt: Date;
  readonly authenticatedAt: Date;
  /** Up to a tenth of the idle timeout or a minute behind. */
  readonly lastSeenAt: Date;
  /** When it ends unless it is used again. */
  readonly expiresAt: Date;
  readonly permanent: boolean;
  /** The User-Agent that logged in, at most 256 characters; text from a stranger, so escape it. */
  readonly agent: string;
}

/** @internal The sessions of a subject, the last seen first. */
export async function listSessions(context: Context, subject: string): Promise<SessionInfo[]> {
  const now = context.clock.now();
  const records = await context.calls.list(subject);
  const slices = new TimeSlices(context.clock);
  const list: SessionInfo[] = [];
  for (const record of records) {
    if (slices.areOver) await slices.turn();
    if (endOf(record, context.timeouts) > now) list.push(infoOf(context, record, subject));
  }
  return list.toSorted((one, other) => other.lastSeenAt.getTime() - one.lastSeenAt.getTime());
}

/** @internal Ends all sessions of a subject but one, if that is given. @returns how many it ended. */
export async function revokeSessions(context: Context, subject: string, except?: string): Promise<number> {
  const records = await context.calls.list(subject);
  const slices = new TimeSlices(context.clock);
  let ended = 0;
  for (const { id } of records) {
    if (slices.areOver) await slices.turn();
    if (id !== except && (await revokeSession(context, id, subject))) ended++;
  }
  return ended;
}

/**
 * @internal
 * Ends a session from outside.
 *
 * @param id from `list`, or from anybody: what is no id of ours is no error.
 * @param subject when given, a session of anybody else is left alone.
 * @returns `false` when there was no such session.
 */
export async function revokeSession(context: Context, id: unknown, subject?: string): Promise<boolean> {
  if (!isRecordId(id)) return false;
  for (;;) {
    const record = await context.calls.read(id, true);
    if (record === null || (subject !== undefined && record.subject !== subject)) return false;
    // It ended within the last minute; what is left only tells its late requests so.
    if (verifiersEqual(record.verifier, nobodysVerifier)) return false;
    const outcome = await context.calls.patch(id, endingPatch(record.epoch, context.clock.now()));
    if (outcome.kind === "applied") {
      context.watch.noteEpoch(id, record.epoch + 1);
      context.events.emit({ type: "revoked", id, subject: record.subject });
      return true;
    }
    // A login or logout came between; the next read says which.
  }
}

function infoOf(context: Context, record: SessionRecord, subject: string): SessionInfo {
  const agent = bytesOf(record.fields, fieldName.agent);
  const name =
    agent === undefined ? undefined : context.codec.decode(record.id, fieldName.agent, agent)?.value;
  return {
    id: record.id,
    subject,
    createdAt: new Date(record.createdAt),
    authenticatedAt: new Date(record.authenticatedAt ?? record.createdAt),
    lastSeenAt: new Date(record.lastSeenAt),
    expiresAt: new Date(endOf(record, context.timeouts)),
    permanent: record.permanent,
    agent: typeof name === "string" ? name : "",
  };
}
