import { ConfigError, MisuseError } from "../errors.ts";
import { serializeDeletion } from "../cookies/serialize.ts";
import type { CookieScope } from "../cookies/serialize.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { AdoptionSource } from "../services/adoption-source.ts";
import type { Services } from "../services/services.ts";
import { SessionAdopter } from "./adopter.ts";
import type { Format, FormatInUse } from "./format.ts";

/** What comes along from an old session. Only what is named here does. */
export interface Taken {
  /** Who was logged in: a string of 1 to 255 characters, such as the user's id. Default: nobody. */
  readonly subject?: string | undefined;
  /** The data of the new session, by key. Default: none. */
  readonly data?: object | undefined;
  /** Whether the new session outlives the browser. Default `false`. */
  readonly permanent?: boolean | undefined;
}

/** The options that all sources have. `Old` is the type of what the system before kept; nothing checks it. */
export interface AdoptOptions<Old extends object> {
  /**
   * When adoption ends, at most 400 days from now. The source then does nothing, and says so once; remove it.
   */
  readonly until: Date;
  /**
   * Says what comes along. Return `undefined` to leave the old session alone: the visitor is anonymous, and their old
   * cookie stays. It may be called more than once for one visitor, so it must have no side effects. If it throws, so
   * does `sessions.of`, and the visitor can try again.
   */
  readonly take: (old: Old) => Taken | undefined | Promise<Taken | undefined>;
}

/** The name of an old cookie, and where it was set. A cookie is cleared only with the same scope. */
export interface OldCookie {
  readonly name?: string;
  /** The `path` that it was set with. Default `"/"`. */
  readonly path?: string;
  /** The `domain` that it was set with. Default: none. */
  readonly domain?: string;
  /** Whether it was `Secure`. Default: only if its name starts with `__Secure-` or `__Host-`. */
  readonly secure?: boolean;
  /** Default `"lax"`. `"none"`, if pages of other sites embed this one. */
  readonly sameSite?: "strict" | "lax" | "none";
  /** Whether it was `Partitioned`. Default `false`. */
  readonly partitioned?: boolean;
}

/** A format with the app's options. */
class Source implements AdoptionSource, FormatInUse {
  readonly from: string;
  /** The function that made it, for messages. */
  readonly caller: string;
  readonly format: Format;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly take: (old: object) => unknown;
  readonly #scope: Omit<OldCookie, "name">;

  /** @throws ConfigError CONFIG_INVALID, COOKIE_CONFIG_INVALID */
  constructor(
    caller: string,
    format: Format,
    options: AdoptOptions<never> & { readonly cookie?: OldCookie },
  ) {
    const { until, take, cookie = {} } = options;
    assertOption(
      until instanceof Date && !Number.isNaN(until.getTime()),
      `${caller}: until must be a Date, such as new Date("2027-03-31"): after it, nobody is adopted any more.`,
    );
    assertOption(
      typeof take === "function",
      `${caller}: take must be a function (old) => ({ subject, data, permanent }).`,
    );
    assertKnownOptions(
      cookie,
      ["name", "path", "domain", "secure", "sameSite", "partitioned"],
      `${caller}: cookie`,
    );
    const { name, ...scope } = cookie;
    this.from = format.from;
    this.caller = caller;
    this.format = format;
    this.until = until.getTime();
    this.take = take as (old: object) => unknown; // oxlint-disable-line no-unsafe-type-assertion -- the app declares the type
    this.#scope = scope;
    try {
      this.clearing(name ?? "name");
    } catch (error) {
      // The same mistake as in a call, but made in an option.
      if (!(error instanceof MisuseError)) throw error;
      throw new ConfigError("COOKIE_CONFIG_INVALID", `${caller}: ${error.message}`);
    }
  }

  connect(sources: readonly AdoptionSource[], services: Services): SessionAdopter | undefined {
    const own = sources.filter((source) => source instanceof Source);
    assertOption(own.length === sources.length, "adopt must be a list of sources from coatcheck/adopt.");
    return SessionAdopter.of(own, services);
  }

  /** Returns the Set-Cookie header that clears an old cookie. */
  clearing(name: string): string {
    return serializeDeletion(name, this.#scopeOf(name));
  }

  #scopeOf(name: string): CookieScope {
    return { secure: /^__(?:secure|host|http)-/i.test(name), ...this.#scope };
  }
}

/** Makes a source. @throws ConfigError CONFIG_INVALID, COOKIE_CONFIG_INVALID */
export function createSource<Old extends object>(
  caller: string,
  format: Format,
  options: AdoptOptions<Old> & { readonly cookie?: OldCookie },
): AdoptionSource {
  return new Source(caller, format, options);
}
