/** A browser's cookies for one host. Supports what tests of sessions need: names, values and deletion. */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  /** The Cookie header; `undefined` if the jar is empty. */
  get header(): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    return Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The value of a cookie. */
  get(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  /** Applies the Set-Cookie headers of a response. */
  take(response: Response): void {
    for (const header of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = header.split("; ");
      const name = pair.slice(0, pair.indexOf("="));
      if (attributes.includes("Max-Age=0")) this.#cookies.delete(name);
      else this.#cookies.set(name, pair.slice(pair.indexOf("=") + 1));
    }
  }
}
