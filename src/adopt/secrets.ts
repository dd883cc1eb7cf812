import { createHmac, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../errors.ts";
import { assertOption } from "../runtime/check-options.ts";

/** The secret of the system before, or several, in any order. */
export type OldSecret = string | Uint8Array | readonly (string | Uint8Array)[];

/** Each is tried for each cookie. */
const maxSecrets = 16;

/**
 * The secrets of one source. They may be missing while a site is built, like the app's own. How strong they are is
 * not checked, since nobody can change that any more.
 */
export class OldSecrets {
  readonly #from: string;
  readonly #list: readonly unknown[];

  /** @param from the function that takes them, for messages. @throws ConfigError CONFIG_INVALID */
  constructor(from: string, secret: OldSecret | undefined) {
    this.#from = from;
    this.#list = isList(secret) ? secret : [secret];
    assertOption(this.#list.length <= maxSecrets, `${from}: secret must be at most ${maxSecrets} secrets.`);
    for (const entry of this.#list) {
      assertOption(
        entry === undefined || typeof entry === "string" || entry instanceof Uint8Array,
        `${from}: secret must be a string, or a list of strings.`,
      );
    }
  }

  /** @throws ConfigError SECRET_MISSING */
  get all(): readonly (string | Uint8Array)[] {
    const present = this.#list.filter(isPresent);
    if (present.length === 0 || present.length < this.#list.length) {
      throw new ConfigError(
        "SECRET_MISSING",
        `${this.#from}: secret is missing. Pass the secret of the system before, with which it signed its cookies.`,
      );
    }
    return present;
  }
}

function isList(secret: OldSecret | undefined): secret is readonly (string | Uint8Array)[] {
  return Array.isArray(secret);
}

function isPresent(entry: unknown): entry is string | Uint8Array {
  return (typeof entry === "string" && entry !== "") || (entry instanceof Uint8Array && entry.length > 0);
}

/** Returns the HMAC of a text. */
export function hmac(algorithm: string, key: string | Uint8Array, text: string): Buffer {
  return createHmac(algorithm, key).update(text).digest();
}

/** Compares in constant time. */
export function bytesEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length !== other.length ? false : timingSafeEqual(one, other);
}

/** Compares in constant time, so that each signature has only one spelling. */
export function textsEqual(one: string, other: string): boolean {
  return bytesEqual(Buffer.from(one), Buffer.from(other));
}

/** Decodes base64url; `undefined` unless it is the one way to write these bytes. */
export function decodeCanonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  const isCanonical = text === bytes.toString("base64url");
  return isCanonical ? bytes : undefined;
}
