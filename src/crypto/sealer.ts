import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomFillSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Keyring, Purpose, PurposeKey } from "./keyring.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";

/**
 * Encrypts bytes and binds them to where they belong (AES-256-GCM, NIST SP 800-38D).
 *
 * Each context (a record's id, a cookie's salt) has a key of its own, derived with HMAC-SHA-256, and
 * `place` (a field's or cookie's name) goes in as associated data: bytes moved to another record,
 * field or cookie do not open. A key per context also keeps the number of random 96-bit nonces
 * under one key far below the limit of 2^32 that SP 800-38D sets in section 8.3.
 *
 * Layout: version (1 byte) | key mark (4) | nonce (12) | ciphertext | tag (16).
 */
export interface Sealer {
  /** Seals with the newest key. */
  seal(context: string, place: string, plain: Uint8Array): Uint8Array;
  /** The bytes, or `undefined` when they were not sealed here, for this context and place, by a key still listed. */
  unseal(context: string, place: string, sealed: Uint8Array): Uint8Array | undefined;
  /** Whether there are keys beside the newest; without them nothing is aged. */
  readonly hasOlderKeys: boolean;
  /** `true` when an older key sealed these bytes: they should be sealed again with the newest. */
  isSealedByOldKey(sealed: Uint8Array): boolean;
}

const version = 1;
const markLength = 4;
const nonceLength = 12;
const tagLength = 16;
/** Where in sealed bytes the nonce begins. */
export const nonceAt: number = 1 + markLength;
const headLength = nonceAt + nonceLength;

/** How many keys of contexts are kept at least, and half of how many at most. */
const recentKeys = 1024;

/** How many bytes sealing adds. */
export const sealOverhead: number = headLength + tagLength;

/** The sealer of a purpose; what one purpose sealed, no other opens. */
export function createSealer(keyring: Keyring, purpose: Purpose): Sealer {
  // The keys of the records in use are kept: to derive one takes as long as to use it.
  const derived = new TwoGenerationCache<{ key: PurposeKey; context: string; made: KeyObject }>(recentKeys);
  const keyFor = (key: PurposeKey, context: string): KeyObject => {
    const fingerprint = fingerprintOf(context, 0);
    const known = derived.get(fingerprint);
    if (known !== undefined && known.key === key && known.context === context) return known.made;
    const made = createSecretKey(createHmac("sha256", key.key).update(context).digest());
    derived.set(fingerprint, { key, context, made });
    return made;
  };
  const keyMarked = (sealed: Uint8Array): PurposeKey | undefined => {
    if (sealed.length < sealOverhead || sealed[0] !== version) return undefined;
    return keyring.keys(purpose).find(({ mark }) => mark.equals(sealed.subarray(1, 1 + markLength)));
  };
  return {
    get hasOlderKeys() {
      return keyring.keys(purpose).length > 1;
    },
    seal(context, place, plain) {
      const [newest] = keyring.keys(purpose);
      const sealed = Buffer.allocUnsafe(sealOverhead + plain.length);
      sealed[0] = version;
      sealed.set(newest.mark, 1);
      const nonce = randomFillSync(sealed.subarray(nonceAt, headLength));
      const cipher = createCipheriv("aes-256-gcm", keyFor(newest, context), nonce, {
        authTagLength: tagLength,
      });
      cipher.setAAD(Buffer.from(place));
      sealed.set(cipher.update(plain), headLength);
      cipher.final();
      sealed.set(cipher.getAuthTag(), headLength + plain.length);
      return sealed;
    },
    unseal(context, place, sealed) {
      const key = keyMarked(sealed);
      if (key === undefined) return undefined;
      const nonce = sealed.subarray(nonceAt, headLength);
      // Without authTagLength Node takes tags of 4 bytes, too (requirement 57).
      const decipher = createDecipheriv("aes-256-gcm", keyFor(key, context), nonce, {
        authTagLength: tagLength,
      });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
      const plain = decipher.update(sealed.subarray(headLength, sealed.length - tagLength));
      try {
        // `final` is what checks the tag: until it returns, `plain` may be anything.
        decipher.final();
      } catch {
        return undefined;
      }
      return plain;
    },
    isSealedByOldKey(sealed) {
      const key = keyMarked(sealed);
      return key !== undefined && key !== keyring.keys(purpose)[0];
    },
  };
}
