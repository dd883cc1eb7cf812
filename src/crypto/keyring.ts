import { createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ConfigError } from "../errors.ts";

/** One secret key, or several, **newest first**: the first signs and seals, the others only verify and open. */
export type Secret = string | Uint8Array | readonly (string | Uint8Array)[];

/** What a derived key is for. A key for one purpose can't be used for another. */
export type Purpose = "ticket" | "field" | "cookie-sign" | "cookie-seal" | "adopt";

/** @internal A key for one purpose, derived from one secret key. */
export interface PurposeKey {
  /** 32 bytes. A KeyObject reveals nothing when printed, and Node does not have to prepare it again for each use. */
  readonly key: KeyObject;
  /** 4 bytes that identify the key inside sealed bytes. They only select one of the configured keys. */
  readonly mark: Buffer;
}

/** @internal The app's secret keys, with a separate key derived from each for every {@link Purpose}. */
export interface Keyring {
  /**
   * Returns the keys for a purpose, newest first; never empty. They are derived on first use.
   *
   * @throws ConfigError SECRET_MISSING, as `assertPresent` does.
   */
  keys(purpose: Purpose): readonly [PurposeKey, ...PurposeKey[]];
  /** Whether a key is missing, so that `assertPresent` throws. */
  readonly isIncomplete: boolean;
  /** Whether the secret is a list without keys, which no environment can complete. */
  readonly isEmptyList: boolean;
  /** Whether there are keys besides the newest. If not, nothing was signed or sealed with an old key. */
  readonly hasOlderKeys: boolean;
  /** @throws ConfigError SECRET_MISSING, on every call, if there is no key or a key in the list is missing. */
  assertPresent(): void;
}

const minimumBytes = 32;
const hint =
  "Generate one with:  node -p \"require('crypto').randomBytes(32).toString('base64url')\"  " +
  "and pass it as `secret`, from the environment or a file that only the server can read.";

/** Generates a secret key: 43 base64url characters, 256 random bits. */
export function generateSecret(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * Creates the keyring of an app.
 *
 * Keys are derived with HKDF-SHA-256 (RFC 5869), one per purpose (NIST SP 800-57 part 1, 5.2: one
 * key, one use), so a stolen or misused key for one purpose does not expose the others.
 *
 * A missing key is not an error yet, because site builders load a server's modules without its environment.
 * The first use of a key throws.
 *
 * @throws ConfigError SECRET_WEAK if a key is short or guessable.
 *
 * @internal
 */
export function createKeyring(secret: Secret | undefined): Keyring {
  const input: unknown = secret;
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  const missing = list.length === 0 ? "The secret option array is empty." : missingAmong(list);
  const roots = list.flatMap((entry, index) =>
    isMissing(entry) ? [] : checkedBytes(entry, nameOf(list, index)),
  );
  const assertPresent = (): void => {
    if (missing !== undefined) throw new ConfigError("SECRET_MISSING", `${missing} ${hint}`);
  };
  const byPurpose = new Map<Purpose, readonly [PurposeKey, ...PurposeKey[]]>();
  return {
    isIncomplete: missing !== undefined,
    isEmptyList: list.length === 0,
    hasOlderKeys: roots.length > 1,
    assertPresent,
    keys(purpose) {
      assertPresent();
      let keys = byPurpose.get(purpose);
      if (keys === undefined) {
        const [newest, ...older] = roots.map((root) => derive(root, purpose));
        if (newest === undefined) throw new TypeError("A keyring without missing keys is never empty.");
        keys = [newest, ...older];
        byPurpose.set(purpose, keys);
      }
      return keys;
    },
  };
}

function derive(root: Uint8Array, purpose: Purpose): PurposeKey {
  const bytes = Buffer.from(hkdfSync("sha256", root, "coatcheck/1", purpose, 36));
  return { key: createSecretKey(bytes.subarray(0, 32)), mark: bytes.subarray(32) };
}

function isMissing(entry: unknown): boolean {
  return entry === undefined || entry === null || entry === "";
}

function nameOf(list: readonly unknown[], index: number): string {
  return list.length > 1 ? `secret[${index}]` : "secret";
}

function missingAmong(list: readonly unknown[]): string | undefined {
  const index = list.findIndex(isMissing);
  return index === -1 ? undefined : `${nameOf(list, index)} is required, and missing.`;
}

function checkedBytes(entry: unknown, name: string): Uint8Array {
  if (typeof entry !== "string" && !(entry instanceof Uint8Array)) {
    throw new ConfigError("SECRET_WEAK", `${name} must be a string or a Uint8Array. ${hint}`);
  }
  const bytes = typeof entry === "string" ? new TextEncoder().encode(entry) : Uint8Array.from(entry);
  const weakness = weaknessOf(bytes, typeof entry === "string" ? entry : undefined);
  if (weakness !== undefined) {
    throw new ConfigError("SECRET_WEAK", `${name} ${weakness}. ${hint}`);
  }
  return bytes;
}

/** Words that documentation and tutorials use in place of a key. */
const samples = /secret|password|change.?me|keyboard.?cat|example|default|insecure|replace|your.?key/i;

/**
 * Lower-case words with punctuation between them, or words in any case with spaces. Random base64url does not look
 * like this.
 */
const phrases = [/^[a-z]+(?:[ _.,'-]+[a-z]+){2,}[.!?]?$/, /^\p{L}+(?:[ ,.']+\p{L}+){2,}[.!?]?$/u];

/**
 * Returns why a key is too weak, or `undefined`. It can't prove that a key is random, but it rejects what people
 * really paste: short keys, sample keys, repetitions, sequences, words. It rejects fewer than one in ten million
 * of the keys that the command in the hint generates.
 */
function weaknessOf(bytes: Uint8Array, text: string | undefined): string | undefined {
  if (bytes.length < minimumBytes) {
    return `is too short: ${bytes.length} bytes; it needs at least ${minimumBytes}`;
  }
  if (text !== undefined && samples.test(text)) return "looks like a sample from documentation";
  if (text !== undefined && phrases.some((phrase) => phrase.test(text))) return "is made of words";
  if (isPeriodic(bytes)) return "repeats itself";
  if (isCounting(bytes)) return "is a sequence";
  if (bitsOf(bytes) < 96) return "uses too few different characters";
  return undefined;
}

function isPeriodic(bytes: Uint8Array): boolean {
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.subarray(period).every((byte, at) => byte === bytes[at])) return true;
  }
  return false;
}

function isCounting(bytes: Uint8Array): boolean {
  let steps = 0;
  for (let at = 1; at < bytes.length; at++) {
    if (Math.abs((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) <= 1) steps++;
  }
  return steps > bytes.length * 0.6;
}

/** The Shannon entropy of the byte frequencies times the number of bytes: an upper bound on the key's entropy. */
function bitsOf(bytes: Uint8Array): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / bytes.length);
  return bits;
}
