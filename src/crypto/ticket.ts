import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Keyring } from "./keyring.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";

/**
 * What the browser carries: `<id>.<secret>.<mac>`, 89 characters of canonical base64url.
 * The id names the record and is no credential; the secret is, and only its hash is stored.
 */
export interface Ticket {
  /** 22 base64url characters: 128 random bits. */
  readonly id: string;
  /** 43 base64url characters: 256 random bits (ASVS 7.2.3 asks for 128). */
  readonly secret: string;
}

/** A ticket whose mac was right. */
export interface VerifiedTicket extends Ticket {
  /** What {@link verifierOf} says of it. */
  readonly verifier: Uint8Array;
  /** `true` when an older key of the keyring signed it: it should be signed again with the newest. */
  readonly signedByOldKey: boolean;
}

/**
 * Canonical base64url only: the last character of 16 bytes has 4 unused bits and that of 32 bytes 2,
 * which must be zero, so that a ticket has one spelling (Node's decoder would accept 16 of them).
 */
const shape = /^([A-Za-z0-9_-]{21}[AQgw])\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])\.([A-Za-z0-9_-]{21}[AQgw])$/;
const idShape = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const length = 22 + 1 + 43 + 1 + 22;
/** Of the 32 bytes of the mac the ticket carries the first 16 (RFC 2104 section 5). */
const macLength = 16;

/** `true` for what could be a record's id; anything else never reaches a store. */
export function isRecordId(id: unknown): id is string {
  return typeof id === "string" && idShape.test(id);
}

/** A new id: 22 base64url characters. */
export function newRecordId(): string {
  return randomBytes(16).toString("base64url");
}

/** A new secret for the record of that id. */
export function newTicket(id: string): Ticket {
  return { id, secret: randomBytes(32).toString("base64url") };
}

/** What a store keeps of a ticket: the SHA-256 of its secret, 32 bytes. A dump of it opens nothing. */
export function verifierOf(ticket: Ticket): Uint8Array {
  return hash("sha256", ticket.secret, "buffer");
}

/** A verifier that no ticket has: the record can't be opened by anyone any more. */
export const revokedVerifier: Uint8Array = new Uint8Array(32);

/** How many tickets an office has in mind at least, and half of what it has in mind at most. */
const recentTickets = 4096;

/** Whether the two verifiers are equal, in a time that does not depend on where they differ. */
export function verifiersEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Signs and reads the tickets of one cookie name. */
export interface TicketSigner {
  /** The cookie's value for a ticket, signed with the newest key. */
  sign(ticket: Ticket): string;
  /**
   * Reads a cookie's value, without asking the store.
   *
   * @returns the ticket; `"malformed"` when it has not the shape of one; `"forged"` when no key made its mac.
   */
  verify(value: string): VerifiedTicket | "malformed" | "forged";
}

/** The ticket office of a cookie: the mac covers the cookie's name, so a ticket of another cookie is refused. */
export function createTicketSigner(keyring: Keyring, cookieName: string): TicketSigner {
  // A ticket comes with every request of its visitor. What was found right once is right as long as the keys
  // are the same. Ids are no secret, so whoever knows one gets as far as the comparison, which takes its time.
  const recent = new TwoGenerationCache<{ readonly bytes: Uint8Array; readonly ticket: VerifiedTicket }>(
    recentTickets,
  );
  const whole = Buffer.alloc(length);
  // No part can hold a line feed, so the parts can't be shifted against each other.
  const macOf = (key: KeyObject, { id, secret }: Ticket): Buffer =>
    createHmac("sha256", key)
      .update(`ticket\n${cookieName}\n${id}\n${secret}`)
      .digest()
      .subarray(0, macLength);
  return {
    sign(ticket) {
      const [newest] = keyring.keys("ticket");
      return `${ticket.id}.${ticket.secret}.${macOf(newest.key, ticket).toString("base64url")}`;
    },
    verify(value) {
      if (value.length !== length) return "malformed";
      const fingerprint = fingerprintOf(value, 0);
      const known = recent.get(fingerprint);
      if (known !== undefined && whole.write(value) === length && timingSafeEqual(whole, known.bytes))
        return known.ticket;
      // A text of its own: one that is cut out of a request's headers keeps all of them.
      const text = Buffer.from(value).toString();
      const parts = shape.exec(text);
      if (parts === null) return "malformed";
      const [, cut = "", secret = "", mac = ""] = parts;
      // The same for the id, which stores keep, and find sooner for it.
      const id = Buffer.from(cut).toString();
      const given = Buffer.from(mac, "base64url");
      const age = keyring
        .keys("ticket")
        .findIndex(({ key }) => timingSafeEqual(macOf(key, { id, secret }), given));
      if (age === -1) return "forged";
      const ticket = { id, secret, verifier: verifierOf({ id, secret }), signedByOldKey: age > 0 };
      const bytes = Buffer.alloc(length);
      bytes.write(text);
      recent.set(fingerprint, { bytes, ticket });
      return ticket;
    },
  };
}
