import type { Services } from "../services/services.ts";
import { endingPatch } from "./ending.ts";
import { fieldName } from "../services/field-codec.ts";
import { binaryField } from "../record/fields.ts";
import type { SessionRecord } from "../record/record.ts";
import { isRecordId, revokedVerifier, verifiersEqual } from "../crypto/ticket.ts";
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

/** The sessions of a subject, the last seen first. */
export async function listSessions(services: Services, subject: string): Promise<SessionInfo[]> {
  const now = services.clock.now();
  const records = await services.store.list(subject);
  const slices = new TimeSlices(services.clock);
  const list: SessionInfo[] = [];
  for (const record of records) {
    if (slices.areOver) await slices.turn();
    if (endOf(record, services.timeouts) > now) list.push(infoOf(services, record, subject));
  }
  return list.toSorted((one, other) => other.lastSeenAt.getTime() - one.lastSeenAt.getTime());
}

/** Ends all sessions of a subject but one, if that is given. @returns how many it ended. */
export async function revokeSessions(services: Services, subject: string, except?: string): Promise<number> {
  const records = await services.store.list(subject);
  const slices = new TimeSlices(services.clock);
  let ended = 0;
  for (const { id } of records) {
    if (slices.areOver) await slices.turn();
    if (id !== except && (await revokeSession(services, id, subject))) ended++;
  }
  return ended;
}

/**
 * Ends a session from outside.
 *
 * @param id from `list`, or from anybody: what is no id of ours is no error.
 * @param subject when given, a session of anybody else is left alone.
 * @returns `false` when there was no such session.
 */
export async function revokeSession(services: Services, id: unknown, subject?: string): Promise<boolean> {
  if (!isRecordId(id)) return false;
  for (;;) {
    const record = await services.store.read(id, true);
    if (record === null || (subject !== undefined && record.subject !== subject)) return false;
    // It ended within the last minute; what is left only tells its late requests so.
    if (verifiersEqual(record.verifier, revokedVerifier)) return false;
    const outcome = await services.store.patch(id, endingPatch(record.epoch, services.clock.now()));
    if (outcome.kind === "applied") {
      services.endWatcher.noteEpoch(id, record.epoch + 1);
      services.events.emit({ type: "revoked", id, subject: record.subject });
      return true;
    }
    // A login or logout came between; the next read says which.
  }
}

function infoOf(services: Services, record: SessionRecord, subject: string): SessionInfo {
  const agent = binaryField(record.fields, fieldName.agent);
  const name =
    agent === undefined ? undefined : services.codec.decode(record.id, fieldName.agent, agent)?.value;
  return {
    id: record.id,
    subject,
    createdAt: new Date(record.createdAt),
    authenticatedAt: new Date(record.authenticatedAt ?? record.createdAt),
    lastSeenAt: new Date(record.lastSeenAt),
    expiresAt: new Date(endOf(record, services.timeouts)),
    permanent: record.permanent,
    agent: typeof name === "string" ? name : "",
  };
}
