import { hash } from "node:crypto";
import { revokedVerifier, verifiersEqual } from "../crypto/ticket.ts";
import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { SessionRecord } from "../record/record.ts";
import type { StoreClient } from "../services/store-client.ts";
import type { Credential, Format } from "./format.ts";

/**
 * What keeps an old cookie from opening a second session: small records beside those of sessions. No ticket can be for
 * one of them, no list shows them, and they hold nothing but an id.
 *
 * Their ids are plain hashes of what the cookie authenticates. They are no secrets, and depend on no key, so a
 * credential that was used stays used whatever keys the app has later.
 */

/** How long a used credential is remembered if it does not expire by itself, in milliseconds. */
export const memory = 400 * 86_400_000;

/** For clocks that differ between servers. */
const leeway = 86_400_000;

/** The name of a marker's only field: the id of the session's record. */
const pointer = "a:id";

/** A verifier that no ticket has, of a record that no visitor has got yet. */
const pendingVerifier: Uint8Array = new Uint8Array(32).fill(1);

/** Returns the id under which it is noted that a credential was used. */
export function markerId(format: Format, credential: Credential): string {
  return idOf(`credential\n${format.from}\n${credential.identity}`);
}

/** Returns the id under which it is noted that all sessions of a subject were ended. */
export function subjectMarkerId(subject: string): string {
  return idOf(`subject\n${subject}`);
}

function idOf(text: string): string {
  return hash("sha256", `coatcheck/1 adopt\n${text}`, "buffer").subarray(0, 16).toString("base64url");
}

/** Returns until when a credential must be remembered. */
export function rememberedUntil({ goodUntil = Number.POSITIVE_INFINITY }: Credential, now: number): number {
  return Math.min(now + memory, goodUntil + leeway);
}

/** Returns a marker. @param id the session that the credential opened; `undefined` if it opened none. */
export function markerRecord(
  marker: string,
  id: string | undefined,
  now: number,
  until: number,
): SessionRecord {
  const fields = new Map(id === undefined ? [] : [[pointer, Buffer.from(id)] as const]);
  return { ...emptyRecord(marker, now, until), fields };
}

/** Returns the record of a session that no visitor has got yet: without subject and data, so that no list shows it. */
export function pendingRecord(id: string, now: number, until: number): SessionRecord {
  return emptyRecord(id, now, until, pendingVerifier);
}

/** Whether nobody has got the session of a record yet. */
export function isPending({ verifier }: SessionRecord): boolean {
  return verifiersEqual(verifier, pendingVerifier);
}

/** Returns the id of the session that a marker names. */
export function sessionOf(marker: SessionRecord): string | undefined {
  const id = marker.fields.get(pointer);
  return id === undefined ? undefined : Buffer.from(id).toString();
}

/**
 * Notes that all sessions of a subject were ended, or notes it again.
 *
 * @throws StoreError
 */
export function markSubject(store: StoreClient, subject: string, now: number): MaybePromise<void> {
  const record = emptyRecord(subjectMarkerId(subject), now, now + memory);
  return andThen(store.create(record), (isNew) => {
    if (isNew) return undefined;
    const { lastSeenAt, idleTimeout, absoluteDeadline } = record;
    const columns = { lastSeenAt, idleTimeout, absoluteDeadline };
    return andThen(store.patch(record.id, { epoch: 0, columns }), () => undefined);
  });
}

/**
 * @param verifier default: that of a session that has ended, so that `revoke` leaves a marker alone. Whoever has the
 *   cookie can work out the marker's id.
 */
function emptyRecord(id: string, now: number, until: number, verifier = revokedVerifier): SessionRecord {
  return {
    id,
    epoch: 0,
    revision: 1,
    verifier,
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: Math.max(1, until - now),
    absoluteDeadline: until,
    permanent: false,
    fields: new Map(),
  };
}
