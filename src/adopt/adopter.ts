import { parseCookieHeader } from "../cookies/parse.ts";
import type { RequestLike } from "../http/request.ts";
import { assertOption } from "../runtime/check-options.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Adopter, RequestAdoption } from "../services/adopter.ts";
import { OutageNotice } from "../services/outage-notice.ts";
import type { Services } from "../services/services.ts";
import type { StoreClient } from "../services/store-client.ts";
import type { FormatInUse } from "./format.ts";
import { OldCookiesOfRequest } from "./request.ts";
import { markSubject, memory } from "./used-credentials.ts";

/** Adopts the visitors of all sources of one `sessions` object. */
export class SessionAdopter implements Adopter {
  readonly #sources: readonly FormatInUse[];
  readonly #services: Services;
  readonly #over = new Set<FormatInUse>();
  /** Reports a failing store of the system before on the console. */
  readonly #notice = new OutageNotice();

  private constructor(sources: readonly FormatInUse[], services: Services) {
    this.#sources = sources;
    this.#services = services;
  }

  /**
   * @returns `undefined` if the time of all sources is over.
   * @throws ConfigError CONFIG_INVALID if `until` is too far away, or an old cookie has the name of ours.
   */
  static of(sources: readonly FormatInUse[], services: Services): SessionAdopter | undefined {
    const now = services.clock.now();
    for (const { caller, format, until } of sources) {
      assertOption(
        until <= now + memory,
        `${caller}: until must be at most 400 days from now: browsers keep no cookie for longer.`,
      );
      assertOption(
        !format.isCookie(services.cookie.name),
        `${caller}: its cookie has the name of the session cookie. Give the session cookie another one: cookie: { name }.`,
      );
    }
    const adopter = new SessionAdopter(sources, services);
    return adopter.#active.length === 0 ? undefined : adopter;
  }

  begin(request: RequestLike, calls: StoreClient): RequestAdoption | undefined {
    const header = request.header("cookie") ?? "";
    if (header === "") return undefined;
    const cookies = parseCookieHeader(header);
    const names = [...cookies.keys()];
    const sources = this.#active.filter(({ format }) => names.some((name) => format.isCookie(name)));
    return sources.length === 0
      ? undefined
      : new OldCookiesOfRequest(this.#services, { request, calls, cookies, sources, notice: this.#notice });
  }

  refuseSubject(subject: string): MaybePromise<void> {
    return this.#active.length === 0
      ? undefined
      : markSubject(this.#services.store, subject, this.#services.clock.now());
  }

  assertPresent(): void {
    for (const { format } of this.#active) format.assertPresent();
  }

  /** The sources whose time is not over. */
  get #active(): readonly FormatInUse[] {
    const now = this.#services.clock.now();
    return this.#sources.filter((source) => {
      if (now < source.until) return true;
      if (!this.#over.has(source)) sayOver(source);
      this.#over.add(source);
      return false;
    });
  }
}

function sayOver({ caller, until }: FormatInUse): void {
  const message =
    `${caller} adopts nobody any more: its time was over at ${new Date(until).toISOString()}. ` +
    "Remove it from the option adopt of createSessions.";
  if (typeof process.emitWarning === "function")
    process.emitWarning(message, { type: "CoatcheckWarning", code: "ADOPT_OVER" });
  // oxlint-disable-next-line no-console -- for runtimes that have no warnings of their own
  else console.warn(`[ADOPT_OVER] ${message}`);
}
