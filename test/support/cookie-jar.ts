/** A cookie as a browser keeps it. */
export interface KeptCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "strict" | "lax" | "none" | "default";
  readonly partitioned: boolean;
  readonly priority: string | undefined;
  /** Milliseconds since 1970; `undefined` for a cookie that ends with the browser. */
  readonly expires: number | undefined;
  readonly created: number;
}

const maxAge = 400 * 86_400_000;

/**
 * A model of a browser's cookies, written from RFC 6265bis section 5 and not from our serializer:
 * what it drops, browsers drop. Public suffixes are left out.
 */
export class CookieJar {
  readonly #now: () => number;
  #cookies: KeptCookie[] = [];
  #count = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** All cookies that have not expired. */
  get cookies(): readonly KeptCookie[] {
    return this.#cookies.filter(({ expires }) => expires === undefined || expires > this.#now());
  }

  get(name: string): KeptCookie | undefined {
    return this.cookies.find((cookie) => cookie.name === name);
  }

  /** Puts a cookie in by hand, as an attacker with a foot in the door does; HttpOnly, since names in `__Host-Http-` need it. */
  plant(name: string, value: string, host = "site.example"): void {
    this.receive(`${name}=${value}; Path=/; Secure; HttpOnly`, `https://${host}/`);
  }

  /** Takes all cookies of a response. */
  receiveAll(response: Response, url: string): void {
    for (const line of response.headers.getSetCookie()) this.receive(line, url);
  }

  /** One Set-Cookie header (5.6 and 5.7); answers what was kept, or `undefined` when it was dropped or expired at once. */
  receive(line: string, from: string): KeptCookie | undefined {
    // oxlint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return undefined;
    const [pair = "", ...rest] = line.split(";");
    const equals = pair.indexOf("=");
    const name = equals === -1 ? "" : trim(pair.slice(0, equals));
    const value = trim(pair.slice(equals + 1));
    if (Buffer.byteLength(name) + Buffer.byteLength(value) > 4096 || name + value === "") return undefined;
    const attributes = attributesOf(rest);
    const url = new URL(from);
    const cookie = this.#cookie(name, value, attributes, url);
    if (cookie === undefined || !isAcceptable(cookie, attributes, url)) return undefined;
    const isSame = (other: KeptCookie): boolean =>
      other.name === name &&
      other.domain === cookie.domain &&
      other.hostOnly === cookie.hostOnly &&
      other.path === cookie.path &&
      other.partitioned === cookie.partitioned;
    const before = this.#cookies.find(isSame);
    this.#cookies = this.#cookies.filter((other) => other !== before);
    const kept = { ...cookie, created: before?.created ?? cookie.created };
    if (kept.expires !== undefined && kept.expires <= this.#now()) return undefined;
    this.#cookies.push(kept);
    return kept;
  }

  /** The Cookie header for a request (5.8.3), `undefined` when there is none to send. */
  header(to: string): string | undefined {
    const url = new URL(to);
    const sent = this.cookies
      .filter(
        ({ domain, hostOnly, path, secure }) =>
          (hostOnly ? url.hostname === domain : domainMatches(url.hostname, domain)) &&
          pathMatches(url.pathname, path) &&
          (!secure || url.protocol === "https:" || url.hostname === "localhost"),
      )
      .toSorted((one, other) => other.path.length - one.path.length || one.created - other.created);
    return sent.length === 0
      ? undefined
      : sent.map(({ name, value }) => (name === "" ? value : `${name}=${value}`)).join("; ");
  }

  /** Closes the browser: cookies without a lifetime of their own are gone. */
  closeBrowser(): void {
    this.#cookies = this.#cookies.filter(({ expires }) => expires !== undefined);
  }

  #cookie(name: string, value: string, attributes: Attributes, url: URL): KeptCookie | undefined {
    const domain = (attributes.get("domain") ?? "").replace(/^\./, "").toLowerCase();
    if (domain !== "" && !domainMatches(url.hostname, domain)) return undefined;
    const path = attributes.get("path") ?? "";
    const seconds = /^-?\d+$/.test(attributes.get("max-age") ?? "") ? attributes.get("max-age") : undefined;
    const date = Date.parse(attributes.get("expires") ?? "");
    let expires: number | undefined = Number.isNaN(date) ? undefined : date;
    if (seconds !== undefined) {
      expires = seconds.startsWith("-") || Number(seconds) === 0 ? 0 : this.#now() + Number(seconds) * 1000;
    }
    const sameSite = attributes.get("samesite")?.toLowerCase();
    return {
      name,
      value,
      domain: domain === "" ? url.hostname : domain,
      hostOnly: domain === "",
      path: path.startsWith("/") ? path : defaultPath(url),
      secure: attributes.has("secure"),
      httpOnly: attributes.has("httponly"),
      sameSite: sameSite === "strict" || sameSite === "lax" || sameSite === "none" ? sameSite : "default",
      partitioned: attributes.has("partitioned"),
      priority: attributes.get("priority"),
      expires: expires === undefined ? undefined : Math.min(expires, this.#now() + maxAge),
      created: this.#count++,
    };
  }
}

type Attributes = ReadonlyMap<string, string>;

/** The last attribute of a name counts, and one that is too long does not. */
function attributesOf(parts: readonly string[]): Attributes {
  const attributes = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf("=");
    const name = trim(equals === -1 ? part : part.slice(0, equals)).toLowerCase();
    const value = equals === -1 ? "" : trim(part.slice(equals + 1));
    if (Buffer.byteLength(value) <= 1024) attributes.set(name, value);
  }
  return attributes;
}

/** Steps 8 to 22 of 5.7: what contradicts itself, or comes over http and should not, is dropped. */
function isAcceptable(cookie: KeptCookie, attributes: Attributes, url: URL): boolean {
  const { name, value, secure, httpOnly, hostOnly } = cookie;
  if (secure && url.protocol !== "https:" && url.hostname !== "localhost") return false;
  if (cookie.sameSite === "none" && !secure) return false;
  if (cookie.partitioned && !secure) return false;
  const isHost = hostOnly && secure && attributes.get("path") === "/";
  if (name === "") return !/^__(?:secure|host|http|host-http)-/i.test(value);
  if (/^__secure-/i.test(name)) return secure;
  if (/^__host-http-/i.test(name)) return isHost && httpOnly;
  if (/^__host-/i.test(name)) return isHost;
  if (/^__http-/i.test(name)) return secure && httpOnly;
  return true;
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function defaultPath(url: URL): string {
  const last = url.pathname.lastIndexOf("/");
  return last <= 0 ? "/" : url.pathname.slice(0, last);
}

function domainMatches(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$|:/.test(host));
}

function pathMatches(path: string, prefix: string): boolean {
  return (
    path === prefix || (path.startsWith(prefix) && (prefix.endsWith("/") || path[prefix.length] === "/"))
  );
}
