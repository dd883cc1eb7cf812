import { MisuseError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CookieVault, ValueLock } from "./protected-values.ts";
import { decoded, encoded, headerBytesOf } from "./encoding.ts";
import { serializeDeletion, serializeSetCookie, toMaxAge } from "./serialize.ts";
import type { CookieAttributes, CookieScope } from "./serialize.ts";

/** Cookies of one kind: all that differs is what the visitor can do with their values. */
export interface CookieKind {
  /** The value of a cookie, or `undefined` where there is none, or (signed, sealed) where it is not ours. */
  get(name: string): string | undefined;
  /**
   * Sets a cookie on the response; sent unless the handler fails.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE; LimitError COOKIE_TOO_LARGE, COOKIE_TOO_LONG_LIVED.
   */
  set(name: string, value: string, attributes?: CookieAttributes): void;
  /** Whether there is a cookie of this name whose value does not open: somebody changed it, or its time is over. */
  refused(name: string): boolean;
}

/** @internal What the jar of one request works with. */
export interface CookieJarParts {
  /** The request's cookies. */
  readonly incoming: () => ReadonlyMap<string, readonly string[]>;
  readonly vault: CookieVault;
  readonly clock: Clock;
  /** The session cookie's name, which is not to be touched by hand. */
  readonly sessionCookie: string;
}

/** The cookies of one request and its response, beside the session. Plain ones can be read and changed by the visitor. */
export class Cookies {
  /** Cookies that the visitor can read and not change. */
  readonly signed: CookieKind;
  /** Cookies that the visitor can neither read nor change. */
  readonly sealed: CookieKind;
  readonly #parts: CookieJarParts;
  /** Values of this response by name; `undefined` for deleted ones. */
  readonly #values = new Map<string, string | undefined>();
  /** Set-Cookie headers; the last for the same name, path and domain wins (RFC 6265bis 4.1.1). */
  readonly #headers = new Map<string, string>();
  #answered = false;
  #hasClient = true;

  /** @internal Made by the hub: `sessions.cookies(request)`. */
  constructor(parts: CookieJarParts) {
    this.#parts = parts;
    const { vault } = parts;
    this.signed = this.#kind(vault.signed);
    this.sealed = this.#kind(vault.sealed);
  }

  /**
   * The value of a plain cookie as the visitor sent it (it may be anything), or `undefined`. Percent-encoding
   * is decoded, and bytes that are UTF-8 are text; quotation marks belong to the value (RFC 6265bis 4.1.1).
   */
  get(name: string): string | undefined {
    const value = this.#raw(name);
    return value === undefined ? undefined : decoded(value);
  }

  /** Whether the request (or this response) has a cookie of this name. */
  has(name: string): boolean {
    return this.#raw(name) !== undefined;
  }

  /** All values of a name, in the order they came; there are several where paths or domains differ. */
  getAll(name: string): string[] {
    return this.#received(name).map(decoded);
  }

  /**
   * Sets a plain cookie on the response; sent unless the handler fails. Values may be any text: what
   * a cookie can't hold is percent-encoded.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE; LimitError COOKIE_TOO_LARGE, COOKIE_TOO_LONG_LIVED.
   */
  set(name: string, value: string, attributes: CookieAttributes = {}): void {
    this.#assertText(value);
    this.#put(name, encoded(value), attributes);
  }

  /**
   * Removes a cookie from the browser, whoever set it: any name in ASCII that a browser sends will do. Path,
   * domain, secure and partitioned must be as when it was set.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE.
   */
  delete(name: string, scope: CookieScope = {}): void {
    this.#assertOurs(name);
    this.#headers.set(keyOf(name, scope), serializeDeletion(name, scope));
    this.#values.set(name, undefined);
  }

  /** @internal For the hub: the Set-Cookie headers; from here on `set` and `delete` throw. */
  settle(): string[] {
    this.#answered = true;
    return [...this.#headers.values()];
  }

  /** @internal For the hub: the client has gone. `set` and `delete` work on, and nobody gets their cookies. */
  leave(): void {
    if (!this.#answered) this.#hasClient = false;
  }

  #kind(lock: ValueLock): CookieKind {
    const get = (name: string): string | undefined => {
      const value = this.#raw(name);
      return value === undefined ? undefined : lock.open(name, value);
    };
    return {
      get,
      set: (name, value, attributes = {}) => {
        this.#assertText(value);
        const { maxAge } = attributes;
        const now = Math.floor(this.#parts.clock.now() / 1000);
        this.#put(
          name,
          lock.close(name, value, maxAge === undefined ? 0 : now + toMaxAge(maxAge)),
          attributes,
        );
      },
      refused: (name) => this.#raw(name) !== undefined && get(name) === undefined,
    };
  }

  #raw(name: string): string | undefined {
    return this.#values.has(name) ? this.#values.get(name) : this.#received(name)[0];
  }

  #received(name: string): readonly string[] {
    const incoming = this.#parts.incoming();
    return incoming.get(headerBytesOf(name)) ?? incoming.get(name) ?? [];
  }

  #put(name: string, value: string, attributes: CookieAttributes): void {
    const { maxAge, ...scope } = attributes;
    this.#assertOurs(name);
    const seconds = maxAge === undefined ? undefined : toMaxAge(maxAge);
    this.#headers.set(keyOf(name, scope), serializeSetCookie(name, value, scope, seconds));
    this.#values.set(name, value);
  }

  #assertText(value: unknown): void {
    if (typeof value === "string" && value.isWellFormed()) return;
    throw new MisuseError(
      "COOKIE_INVALID",
      `A cookie's value must be a well-formed string; JSON.stringify others (${typeof value}).`,
    );
  }

  #assertOurs(name: string): void {
    if (this.#answered && this.#hasClient) {
      throw new MisuseError(
        "AFTER_RESPONSE",
        "The response has left; set cookies before the handler returns.",
      );
    }
    if (name === this.#parts.sessionCookie) {
      throw new MisuseError(
        "COOKIE_INVALID",
        `The cookie "${name}" is the session's; use login(), logout() and rotate().`,
      );
    }
  }
}

function keyOf(name: string, scope: CookieScope): string {
  return [name, scope.domain?.toLowerCase() ?? "", scope.path ?? "/"].join(";");
}
