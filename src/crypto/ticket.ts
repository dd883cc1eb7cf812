import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Keyring } from "./keyring.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";

/**
 * The value of the session cookie: `<id>.<secret>.<mac>`, 89 characters of canonical base64url.
 * The id names the record and is not a credential. The secret is, and only its hash is stored.
 */
export interface Ticket {
  /** 22 base64url characters: 128 random bits. */
  readonly id: string;
  /** 43 base64url characters: 256 random bits (ASVS 7.2.3 asks for 128). */
  readonly secret: string;
}

/** A ticket with a valid mac. */
export interface VerifiedTicket extends Ticket {
  /** The result of {@link verifierOf}. */
  readonly verifier: Uint8Array;
  /** `true` if an older key of the keyring signed it, so that it should be signed again with the newest. */
  readonly signedByOldKey: boolean;
}

/**
 * Only canonical base64url: the last character has 4 unused bits for 16 bytes and 2 for 32 bytes. They must
 * be zero, so that each ticket has only one spelling (Node's decoder would accept 16).
 */
const shape = /^([A-Za-z0-9_-]{21}[AQgw])\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])\.([A-Za-z0-9_-]{21}[AQgw])$/;
const idShape = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const length = 22 + 1 + 43 + 1 + 22;
/** The ticket contains the first 16 of the mac's 32 bytes (RFC 2104 section 5). */
const macLength = 16;

/** Whether a value has the form of a record id. Nothing else is ever passed to a store. */
export function isRecordId(id: unknown): id is string {
  return typeof id === "string" && idShape.test(id);
}

/** Generates a record id: 22 base64url characters. */
export function newRecordId(): string {
  return randomBytes(16).toString("base64url");
}

/** Generates a new secret for the record with this id. */
export function newTicket(id: string): Ticket {
  return { id, secret: randomBytes(32).toString("base64url") };
}

/** Returns what a store keeps of a ticket: the SHA-256 hash of its secret, 32 bytes. A stolen hash opens no session. */
export function verifierOf(ticket: Ticket): Uint8Array {
  return hash("sha256", ticket.secret, "buffer");
}

/** A verifier that no ticket has. A record with it can no longer be opened by anyone. */
export const revokedVerifier: Uint8Array = new Uint8Array(32);

/** How many verified tickets a signer caches: at least this many, at most twice as many. */
const recentTickets = 4096;

/** Compares two verifiers in constant time. */
export function verifiersEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** @internal Signs and verifies tickets for one cookie name. */
export interface TicketSigner {
  /** Returns the cookie value for a ticket, signed with the newest key. */
  sign(ticket: Ticket): string;
  /**
   * Verifies a cookie value, without asking the store.
   *
   * @returns the ticket; `"malformed"` if the value does not have the form of a ticket; `"forged"` if its mac
   *   fits no key.
   */
  verify(value: string): VerifiedTicket | "malformed" | "forged";
}

/** @internal Creates the signer for a cookie. The mac covers the cookie's name, so a ticket from another cookie is rejected. */
export function createTicketSigner(keyring: Keyring, cookieName: string): TicketSigner {
  // A visitor sends the same ticket with every request, and a valid ticket stays valid as long as the keys are
  // the same. Anyone who knows an id can reach the comparison with a cached ticket, so it takes constant time.
  const recent = new TwoGenerationCache<{ readonly bytes: Uint8Array; readonly ticket: VerifiedTicket }>(
    recentTickets,
  );
  const whole = Buffer.alloc(length);
  // No part can contain a line feed, so the boundaries between the parts are unambiguous.
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
      // A copy, because a slice of a string would keep all of the request's headers in memory.
      const text = Buffer.from(value).toString();
      const parts = shape.exec(text);
      if (parts === null) return "malformed";
      const [, idSlice = "", secret = "", mac = ""] = parts;
      // The id is copied too, because stores keep it and find a copy faster than a slice.
      const id = Buffer.from(idSlice).toString();
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

/** What a record keeps of a ticket that was issued `now`. */
export function ticketColumns(
  ticket: Ticket,
  now: number,
): { readonly verifier: Uint8Array; readonly ticketAt: number } {
  return { verifier: verifierOf(ticket), ticketAt: now };
}
