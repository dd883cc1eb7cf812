import type { Services } from "../services/services.ts";
import { endingPatch } from "./ending.ts";
import { fieldName } from "../services/field-codec.ts";
import { binaryField } from "../record/fields.ts";
import type { SessionRecord } from "../record/record.ts";
import { isRecordId, revokedVerifier, verifiersEqual } from "../crypto/ticket.ts";
import { TimeSlices } from "../runtime/time-slices.ts";
import { endOf } from "../services/timeouts.ts";

/** What a session's owner or an administrator may see of it. It contains nothing that gives access to the session. */
export interface SessionInfo {
  /** The public name of the record. Pass it to `revoke`. */
  readonly id: string;
  readonly subject: string;
  readonly createdAt: Date;
  /** When the subject logged in; for a session that was adopted from another system, when that was. */
  readonly authenticatedAt: Date;
  /** May lag behind by up to a tenth of the idle timeout or a minute, whichever is shorter. */
  readonly lastSeenAt: Date;
  /** When it ends unless it is used again. */
  readonly expiresAt: Date;
  readonly permanent: boolean;
  /** The User-Agent that logged in, at most 256 characters. The client can send anything, so escape it. */
  readonly agent: string;
}

/** @internal Lists the sessions of a subject, most recently used first. */
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

/**
 * Ends all sessions of a subject.
 *
 * @param except the id of a session to keep.
 * @returns the number of sessions ended.
 *
 * @internal
 */
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
 * Ends any session by its id.
 *
 * @param id from `list`, or untrusted: if it is not an id, that is not an error.
 * @param subject if given, only a session of this subject is ended.
 * @returns `false` if there was no such session.
 *
 * @internal
 */
export async function revokeSession(services: Services, id: unknown, subject?: string): Promise<boolean> {
  if (!isRecordId(id)) return false;
  for (;;) {
    const record = await services.store.read(id, true);
    if (record === null || (subject !== undefined && record.subject !== subject)) return false;
    // It ended within the last minute. The record remains only to answer its late requests.
    if (verifiersEqual(record.verifier, revokedVerifier)) return false;
    const outcome = await services.store.patch(id, endingPatch(record.epoch, services.clock.now()));
    if (outcome.kind === "applied") {
      services.endWatcher.noteEpoch(id, record.epoch + 1);
      services.events.emit({ type: "revoked", id, subject: record.subject });
      return true;
    }
    // There was a login or logout in between; the next read tells which.
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
