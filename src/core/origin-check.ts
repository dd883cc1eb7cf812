import { ConfigError } from "../errors.ts";
import type { Incoming } from "./incoming.ts";

/** Which requests from other sites may change something here. */
export interface CrossOriginOptions {
  /**
   * The site's own origins, such as `"https://example.com"`. Without them a request's Origin is
   * compared with its Host header, which can't tell http from https.
   */
  readonly origins?: readonly string[];
  /** Other origins whose unsafe requests are welcome. */
  readonly trustedOrigins?: readonly string[];
  /** Refuse unsafe requests without Sec-Fetch-Site and Origin, too: no browser sends such. Default `false`. */
  readonly strict?: boolean;
}

/** Whether a request comes from a page of ours, or one that we trust. */
export interface OriginCheck {
  /** `true` when the request may go on: it changes nothing, or comes from here. */
  allows(request: Incoming): boolean;
  /** `true` when it comes from here, whatever its method. */
  isOurs(request: Incoming): boolean;
}

/** For a hub whose check is turned off. */
export const noOriginCheck: OriginCheck = { allows: () => true, isOurs: () => true };

/** Methods that change nothing (RFC 9110 9.2.1), so that anybody may send them. */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The cross-origin check: a form or script on another site can't act in this visitor's name.
 *
 * Safe methods pass. Otherwise Sec-Fetch-Site decides where the browser sent it (`same-origin` and
 * `none` pass, `same-site` does not: a sibling host may be anybody's); without it, Origin must be
 * this site's (OWASP CSRF Prevention, Fetch Metadata). Nothing depends on the content type.
 *
 * @throws ConfigError CONFIG_INVALID for an origin that is not one.
 */
export function createOriginCheck(options: CrossOriginOptions): OriginCheck {
  for (const name of Object.keys(options)) {
    if (!["origins", "trustedOrigins", "strict"].includes(name)) {
      throw new ConfigError(
        "CONFIG_INVALID",
        `crossOrigin.${name} is unknown; there are origins, trustedOrigins, strict.`,
      );
    }
  }
  const own = new Set(options.origins?.map((origin) => checkedOrigin(origin, "crossOrigin.origins")));
  const trusted = new Set(
    options.trustedOrigins?.map((origin) => checkedOrigin(origin, "crossOrigin.trustedOrigins")),
  );
  const { strict = false } = options;

  const isOurs = (request: Incoming): boolean => {
    const origin = request.header("origin") ?? "";
    if (trusted.has(origin)) return true;
    const site = request.header("sec-fetch-site") ?? "";
    if (site !== "") return site === "same-origin" || site === "none";
    if (origin === "") return !strict;
    return own.size > 0 ? own.has(origin) : hostOf(origin) === (request.header("host") ?? "").toLowerCase();
  };
  return { isOurs, allows: (request) => safeMethods.has(request.method) || isOurs(request) };
}

/** The host and port that an Origin header names; `undefined` for `null` and anything that is not an origin. */
function hostOf(origin: string): string | undefined {
  // What a browser sends is already in this spelling; a URL parser would accept and mend too much.
  return /^https?:\/\/([a-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)$/.exec(origin)?.[1];
}

function checkedOrigin(origin: string, option: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || url.origin !== origin || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `${option} must be origins like "https://example.com", without path or slash at the end.`,
    );
  }
  return origin;
}
