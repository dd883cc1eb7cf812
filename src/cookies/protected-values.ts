import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import type { Keyring } from "../crypto/keyring.ts";
import { createSealer, sealOverhead } from "../crypto/sealer.ts";

/** @internal Encodes cookie values so that the visitor can't change them, and decodes them again. */
export interface ValueCodec {
  /** @param expires when the value expires, in seconds since 1970; 0 for never. */
  encode(name: string, value: string, expires: number): string;
  /** Returns the value, or `undefined` if it was not encoded here for a cookie with this name, or has expired. */
  decode(name: string, text: string): string | undefined;
}

/**
 * Codecs for signed and sealed cookies. Both kinds are bound to the cookie's name, contain their expiry, and have
 * their own keys.
 *
 * @internal
 */
export interface ProtectedValues {
  /** The visitor can read the value. */
  readonly signed: ValueCodec;
  /** The visitor can't read it either. */
  readonly sealed: ValueCodec;
}

const saltLength = 16;
const expiryLength = 6;
/** `<value as base64url>.<expiry in base 36>.<mac as base64url>` */
const signedShape = /^([A-Za-z0-9_-]*)\.([0-9a-z]{1,10})\.([A-Za-z0-9_-]{43})$/;
const sealedShape = /^[A-Za-z0-9_-]+$/;

/** Creates the codecs of a `sessions` object. */
export function createProtectedValues(keyring: Keyring, clock: Clock): ProtectedValues {
  const isOver = (expires: number): boolean => expires !== 0 && expires * 1000 <= clock.now();
  return { signed: createSignedCodec(keyring, isOver), sealed: createSealedCodec(keyring, isOver) };
}

function createSignedCodec(keyring: Keyring, isOver: (expires: number) => boolean): ValueCodec {
  const mac = (key: KeyObject, name: string, payload: string): Buffer =>
    createHmac("sha256", key).update(`signed\n${name}\n${payload}`).digest();
  return {
    encode(name, value, expires) {
      const payload = `${Buffer.from(value).toString("base64url")}.${expires.toString(36)}`;
      const [{ key }] = keyring.keys("cookie-sign");
      return `${payload}.${mac(key, name, payload).toString("base64url")}`;
    },
    decode(name, text) {
      const [, value, expires, given] = signedShape.exec(text) ?? [];
      if (value === undefined || expires === undefined || given === undefined) return undefined;
      const givenMac = fromCanonical(given);
      const isOurs =
        givenMac !== undefined &&
        keyring
          .keys("cookie-sign")
          .some(({ key }) => timingSafeEqual(mac(key, name, `${value}.${expires}`), givenMac));
      return isOurs && !isOver(Number.parseInt(expires, 36))
        ? Buffer.from(value, "base64url").toString()
        : undefined;
    },
  };
}

function createSealedCodec(keyring: Keyring, isOver: (expires: number) => boolean): ValueCodec {
  const sealer = createSealer(keyring, "cookie-seal");
  return {
    encode(name, value, expires) {
      const salt = randomBytes(saltLength);
      const plain = Buffer.alloc(expiryLength + Buffer.byteLength(value));
      plain.writeUIntBE(expires, 0, expiryLength);
      plain.write(value, expiryLength);
      return Buffer.concat([salt, sealer.seal(salt.toString("hex"), name, plain)]).toString("base64url");
    },
    decode(name, text) {
      const bytes = sealedShape.test(text) ? fromCanonical(text) : undefined;
      if (bytes === undefined || bytes.length < saltLength + sealOverhead + expiryLength) return undefined;
      const plain = sealer.unseal(
        bytes.subarray(0, saltLength).toString("hex"),
        name,
        bytes.subarray(saltLength),
      );
      if (plain === undefined) return undefined;
      const opened = Buffer.from(plain);
      return isOver(opened.readUIntBE(0, expiryLength))
        ? undefined
        : opened.subarray(expiryLength).toString();
    },
  };
}

/** Decodes base64url text, or returns `undefined` if it is not in its canonical spelling. */
function fromCanonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
