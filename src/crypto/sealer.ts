import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomFillSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Keyring, Purpose, PurposeKey } from "./keyring.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";

/**
 * Encrypts bytes and binds them to the place that they belong to (AES-256-GCM, NIST SP 800-38D).
 *
 * Each context (a record's id, a cookie's salt) has its own key, derived with HMAC-SHA-256. `place`
 * (a field's or cookie's name) is the associated data. So bytes that are moved to another record, field
 * or cookie do not open. A key per context also keeps the number of random 96-bit nonces used with one
 * key far below the limit of 2^32 in section 8.3 of SP 800-38D.
 *
 * Layout: version (1 byte) | key mark (4) | nonce (12) | ciphertext | tag (16).
 */
export interface Sealer {
  /** Seals with the newest key. */
  seal(context: string, place: string, plain: Uint8Array): Uint8Array;
  /** Returns the bytes, or `undefined` if they were not sealed for this context and place with a configured key. */
  unseal(context: string, place: string, sealed: Uint8Array): Uint8Array | undefined;
  /** `true` if an older key sealed these bytes, so that they should be sealed again with the newest. */
  isSealedByOldKey(sealed: Uint8Array): boolean;
}

const version = 1;
const markLength = 4;
const nonceLength = 12;
const tagLength = 16;
/** The position of the nonce in sealed bytes. */
export const nonceAt: number = 1 + markLength;
const headLength = nonceAt + nonceLength;

/** How many context keys are cached: at least this many, at most twice as many. */
const recentKeys = 1024;

/** The number of bytes that sealing adds. */
export const sealOverhead: number = headLength + tagLength;

/** Creates the sealer for a purpose. It can't open what was sealed for another purpose. */
export function createSealer(keyring: Keyring, purpose: Purpose): Sealer {
  // Keys of recently used records are cached, because deriving a key takes as long as using it.
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
      // Without authTagLength Node also accepts tags of 4 bytes.
      const decipher = createDecipheriv("aes-256-gcm", keyFor(key, context), nonce, {
        authTagLength: tagLength,
      });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
      const plain = decipher.update(sealed.subarray(headLength, sealed.length - tagLength));
      try {
        // `final` checks the tag. Until it returns, `plain` can't be trusted.
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
