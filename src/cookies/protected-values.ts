import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import type { Keyring } from "../crypto/keyring.ts";
import { createSealer, sealOverhead } from "../crypto/sealer.ts";

/** @internal Makes cookie values that the visitor can't change, and opens them again. */
export interface ValueLock {
  /** @param expires when the value stops counting, in seconds since 1970; 0 for never. */
  close(name: string, value: string, expires: number): string;
  /** The value, or `undefined` when it was not closed here for a cookie of this name, or is past its time. */
  open(name: string, text: string): string | undefined;
}

/** @internal Both kinds are bound to the cookie's name, carry their own expiry, and have keys of their own. */
export interface CookieVault {
  /** The visitor can read the value. */
  readonly signed: ValueLock;
  /** The visitor can't read it either. */
  readonly sealed: ValueLock;
}

const saltLength = 16;
const expiryLength = 6;
/** `<value as base64url>.<expiry in base 36>.<mac as base64url>` */
const signedShape = /^([A-Za-z0-9_-]*)\.([0-9a-z]{1,10})\.([A-Za-z0-9_-]{43})$/;
const sealedShape = /^[A-Za-z0-9_-]+$/;

/** The vault of a hub. */
export function createCookieVault(keyring: Keyring, clock: Clock): CookieVault {
  const isOver = (expires: number): boolean => expires !== 0 && expires * 1000 <= clock.now();
  return { signed: createSignedLock(keyring, isOver), sealed: createSealedLock(keyring, isOver) };
}

function createSignedLock(keyring: Keyring, isOver: (expires: number) => boolean): ValueLock {
  const mac = (key: KeyObject, name: string, payload: string): Buffer =>
    createHmac("sha256", key).update(`signed\n${name}\n${payload}`).digest();
  return {
    close(name, value, expires) {
      const payload = `${Buffer.from(value).toString("base64url")}.${expires.toString(36)}`;
      const [{ key }] = keyring.keys("cookie-sign");
      return `${payload}.${mac(key, name, payload).toString("base64url")}`;
    },
    open(name, text) {
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

function createSealedLock(keyring: Keyring, isOver: (expires: number) => boolean): ValueLock {
  const sealer = createSealer(keyring, "cookie-seal");
  return {
    close(name, value, expires) {
      const salt = randomBytes(saltLength);
      const plain = Buffer.alloc(expiryLength + Buffer.byteLength(value));
      plain.writeUIntBE(expires, 0, expiryLength);
      plain.write(value, expiryLength);
      return Buffer.concat([salt, sealer.seal(salt.toString("hex"), name, plain)]).toString("base64url");
    },
    open(name, text) {
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

/** The bytes of a base64url text, if this is its one canonical spelling. */
function fromCanonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
