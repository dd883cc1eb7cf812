import type { CookieScope } from "../cookies/serialize.ts";
import { Exchange } from "./exchange.ts";
import type { RequestLike } from "../http/request.ts";
import { AsyncVariable } from "../runtime/async-variable.ts";
import { FastWeakMap } from "../runtime/fast-weak-map.ts";
import type { Services } from "../services/services.ts";
import type { AnyData } from "../session/data-types.ts";

/**
 * The exchanges of one `sessions` object. Adapters begin them, and `sessions.of` finds them. Adapters get this object
 * from `exchangesOf`.
 */
export class Exchanges<Data extends object = AnyData> {
  readonly #services: Services;
  readonly #running = new AsyncVariable<Exchange<Data>>();
  readonly #byHandle = new FastWeakMap<Exchange<Data>>();

  /** @internal Use `exchangesOf(sessions)`. */
  constructor(services: Services) {
    this.#services = services;
  }

  /** @internal The name and the attributes of the session cookie. */
  get cookie(): { readonly name: string; readonly scope: CookieScope } {
    return this.#services.cookie;
  }

  /** @internal For how long a permanent session may stay unused, in milliseconds. */
  get permanentLifetime(): number {
    return this.#services.timeouts.permanent;
  }

  /** @internal @throws ConfigError SECRET_MISSING if the secret is a list without keys. */
  assertNoEmptyList(): void {
    const { keyring } = this.#services;
    if (keyring.isEmptyList) keyring.assertPresent();
  }

  /** Whether the origin of a request allows it to act here. If not, respond with 403. */
  allows(request: RequestLike): boolean {
    const { advice, crossOrigin, events } = this.#services;
    const isAllowed = crossOrigin.allows(request);
    if (!isAllowed) {
      events.emit({ type: "cross-origin-refused", method: request.method });
      advice?.refused(request);
    }
    return isAllowed;
  }

  /**
   * Begins the exchange of a request. Run the handler in its `run`, call its `commit` before the first byte of
   * the response leaves, and apply the headers that `commit` returns.
   *
   * @param handles the objects that `sessions.of` will be called with. Wrappers that expose one of them as `req` or
   *   `raw` also work.
   */
  begin(request: RequestLike, handles: readonly object[]): Exchange<Data> {
    const exchange = new Exchange(this.#services, this.#running, request);
    this.share(exchange, handles);
    return exchange;
  }

  /**
   * The exchange that an outer layer began for this request, as when the same middleware is on an app and again on
   * a router in it. Continue in that one, and leave it to that layer to commit it.
   *
   * @param handles as in `begin`.
   */
  outer(request: RequestLike, handles: readonly object[]): Exchange<Data> | undefined {
    const known = handles.map((handle) => this.#byHandle.get(handle)).find((found) => found !== undefined);
    const exchange = known ?? this.#mountedIn(request);
    if (exchange?.isCommitted !== false) return undefined;
    this.share(exchange, handles);
    return exchange;
  }

  /** Lets `sessions.of` find an exchange by more objects, such as those of a request that the server sends to itself. */
  share(exchange: Exchange<Data>, handles: readonly object[]): void {
    for (const handle of handles) this.#byHandle.set(handle, exchange);
  }

  /** The exchange of the current request, in any code that its handler calls. */
  get current(): Exchange<Data> | undefined {
    return this.#running.get();
  }

  /**
   * Returns the exchange of an object that a handler was given. Frameworks wrap the server's request and expose it,
   * so one entry serves all wrappers.
   */
  of(handle: RequestWrapper): Exchange<Data> | undefined {
    const own = this.#byHandle.get(handle);
    if (own !== undefined) return own;
    const inner = handle.req ?? handle.raw;
    return typeof inner === "object" && inner !== null ? this.#byHandle.get(inner) : undefined;
  }

  /** Marks a request's handler as failed, for error handlers that have only the request. */
  fail(handle: object, error: unknown): void {
    this.of(handle)?.fail(error);
  }

  /** Returns the current exchange, if a mounted app's request was derived from its request. */
  #mountedIn(request: RequestLike): Exchange<Data> | undefined {
    if (request.isDerivedFrom === undefined) return undefined;
    const { current } = this;
    return current !== undefined && request.isDerivedFrom(current.request) ? current : undefined;
  }
}

/** The properties with which frameworks expose the server's request. */
export interface RequestWrapper {
  readonly req?: unknown;
  readonly raw?: unknown;
}
