import { MisuseError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ProtectedValues, ValueCodec } from "./protected-values.ts";
import { decoded, encoded, headerBytesOf } from "./encoding.ts";
import { serializeDeletion, serializeSetCookie, toMaxAge } from "./serialize.ts";
import type { CookieAttributes, CookieScope } from "./serialize.ts";

/** The signed or the sealed cookies of a request. */
export interface CookieKind {
  /** Returns a cookie's value, or `undefined` if there is none or if it is not valid. */
  get(name: string): string | undefined;
  /**
   * Sets a cookie on the response. It is sent unless the handler fails.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE; LimitError COOKIE_TOO_LARGE, COOKIE_TOO_LONG_LIVED.
   */
  set(name: string, value: string, attributes?: CookieAttributes): void;
  /** Whether there is a cookie with this name whose value is not valid: it was changed, or it has expired. */
  invalid(name: string): boolean;
}

/** @internal What the cookies of one request depend on. */
export interface CookieJarParts {
  /** The request's cookies. */
  readonly incoming: () => ReadonlyMap<string, readonly string[]>;
  readonly protectedValues: ProtectedValues;
  readonly clock: Clock;
  /** The session cookie's name. An app can't set or delete this cookie itself. */
  readonly sessionCookie: string;
}

/**
 * The cookies of one request and its response, other than the session cookie. The visitor can read and change plain
 * ones.
 */
export class Cookies {
  /** Cookies that the visitor can read but not change. */
  readonly signed: CookieKind;
  /** Cookies that the visitor can neither read nor change. */
  readonly sealed: CookieKind;
  readonly #parts: CookieJarParts;
  /** The values set on this response, by name; `undefined` for deleted cookies. */
  readonly #values = new Map<string, string | undefined>();
  /** Set-Cookie headers; the last for the same name, path and domain wins (RFC 6265bis 4.1.1). */
  readonly #headers = new Map<string, string>();
  #committed = false;
  #hasClient = true;

  /** @internal Use `sessions.cookies(request)`. */
  constructor(parts: CookieJarParts) {
    this.#parts = parts;
    const { protectedValues } = parts;
    this.signed = this.#kind(protectedValues.signed);
    this.sealed = this.#kind(protectedValues.sealed);
  }

  /**
   * Returns the value of a plain cookie as the visitor sent it (it may be anything), or `undefined`. Percent-encoding
   * and UTF-8 are decoded; quotation marks are part of the value (RFC 6265bis 4.1.1).
   */
  get(name: string): string | undefined {
    const value = this.#raw(name);
    return value === undefined ? undefined : decoded(value);
  }

  /** Whether the request or this response has a cookie with this name. */
  has(name: string): boolean {
    return this.#raw(name) !== undefined;
  }

  /** Returns all values with this name in the request, in order; there are several if their paths or domains differ. */
  getAll(name: string): string[] {
    return this.#received(name).map(decoded);
  }

  /**
   * Sets a plain cookie on the response. It is sent unless the handler fails. The value may be any text;
   * characters that a cookie can't contain are percent-encoded.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE; LimitError COOKIE_TOO_LARGE, COOKIE_TOO_LONG_LIVED.
   */
  set(name: string, value: string, attributes: CookieAttributes = {}): void {
    this.#assertText(value);
    this.#put(name, encoded(value), attributes);
  }

  /**
   * Removes a cookie from the browser, no matter who set it. The name may be any ASCII name that a browser sends.
   * Pass the same path, domain, secure and partitioned as when it was set.
   *
   * @throws MisuseError COOKIE_INVALID, AFTER_RESPONSE.
   */
  delete(name: string, scope: CookieScope = {}): void {
    this.#assertOurs(name);
    this.#headers.set(keyOf(name, scope), serializeDeletion(name, scope));
    this.#values.set(name, undefined);
  }

  /** @internal The Set-Cookie headers so far. */
  get changes(): readonly string[] {
    return [...this.#headers.values()];
  }

  /** @internal Returns the Set-Cookie headers. From then on, `set` and `delete` throw. */
  commit(): string[] {
    this.#committed = true;
    return [...this.changes];
  }

  /** @internal Notes that the client has gone. `set` and `delete` no longer throw, and their cookies are never sent. */
  clientLeft(): void {
    if (!this.#committed) this.#hasClient = false;
  }

  #kind(codec: ValueCodec): CookieKind {
    const get = (name: string): string | undefined => {
      const value = this.#raw(name);
      return value === undefined ? undefined : codec.decode(name, value);
    };
    return {
      get,
      set: (name, value, attributes = {}) => {
        this.#assertText(value);
        const { maxAge } = attributes;
        const now = Math.floor(this.#parts.clock.now() / 1000);
        this.#put(
          name,
          codec.encode(name, value, maxAge === undefined ? 0 : now + toMaxAge(maxAge)),
          attributes,
        );
      },
      invalid: (name) => this.#raw(name) !== undefined && get(name) === undefined,
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
      `A cookie's value must be a well-formed string, not ${typeof value}; use JSON.stringify for other values.`,
    );
  }

  #assertOurs(name: string): void {
    if (this.#committed && this.#hasClient) {
      throw new MisuseError(
        "AFTER_RESPONSE",
        "The response has already left; set cookies before the handler returns.",
      );
    }
    if (name === this.#parts.sessionCookie) {
      throw new MisuseError(
        "COOKIE_INVALID",
        `"${name}" is the session cookie; use login(), logout() and rotate().`,
      );
    }
  }
}

function keyOf(name: string, scope: CookieScope): string {
  return [name, scope.domain?.toLowerCase() ?? "", scope.path ?? "/"].join(";");
}
