import type { Exchange } from "../../exchange/exchange.ts";
import type { RequestLike } from "../../http/request.ts";

/**
 * Whether a request that the app makes of itself acts for the visitor whose request it handles: it carries the same
 * Cookie header. Without cookies, only an object passed on by the framework tells it from a request of nobody.
 *
 * @param isPassedOn whether the request carries such an object of the outer request.
 */
export function isForwarded(inner: RequestLike, outer: RequestLike, isPassedOn: boolean): boolean {
  const cookies = inner.header("cookie") ?? "";
  return cookies === (outer.header("cookie") ?? "") && (cookies !== "" || isPassedOn);
}

/** Watches what the handler of an inner request changes in the exchange that it shares. */
export class InnerRequest<Data extends object> {
  readonly #exchange: Exchange<Data>;
  readonly #before: readonly unknown[];

  constructor(exchange: Exchange<Data>) {
    this.#exchange = exchange;
    this.#before = exchange.changes;
  }

  /**
   * Notes that the handler failed. Which changes are its own can't be known, so if there are any, the whole request
   * counts as failed; if not, the page that made the inner request may show what it likes.
   */
  fail(error: unknown): void {
    const now = this.#exchange.changes;
    const isSame =
      now.length === this.#before.length && now.every((change, at) => change === this.#before[at]);
    if (!isSame) this.#exchange.fail(error);
  }
}
