/**
 * A browser's cookies for one host. Supports what tests of sessions need: names, values and deletion. It ignores all
 * other attributes, so it sends `Secure` cookies over plain http, too.
 */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  /** The Cookie header; `undefined` if the jar is empty. */
  get header(): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    return Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The headers of a request: the Cookie header, or nothing if the jar is empty. */
  get headers(): { cookie?: string } {
    const { header } = this;
    return header === undefined ? {} : { cookie: header };
  }

  /** The value of a cookie. */
  get(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  /** Applies the Set-Cookie headers of a response, or a list of such headers. */
  take(response: Response | readonly string[]): void {
    for (const header of "headers" in response ? response.headers.getSetCookie() : response) {
      const [pair = "", ...attributes] = header.split("; ");
      const name = pair.slice(0, pair.indexOf("="));
      if (attributes.includes("Max-Age=0")) this.#cookies.delete(name);
      else this.#cookies.set(name, pair.slice(pair.indexOf("=") + 1));
    }
  }
}
