/** The headers that a response needs because of how its handler used the session and cookies. */
export interface ResponseHeaders {
  /** Set-Cookie headers, one for each cookie; never join them. */
  readonly setCookies: readonly string[];
  /**
   * How caches must treat the response. `"shared"`: as the app says, because the session was not used.
   * `"private"`: it depends on this visitor. `"never"`: it contains a cookie or a message.
   */
  readonly caching: "shared" | "private" | "never";
}

/** The operations that `applyHeaders` needs; a `Headers` object has them. */
export interface HeaderTarget {
  get(name: string): string | null;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
}

/** No cookies. */
export const noCookies: readonly string[] = [];

/** The headers of a response that looked at the session and changed nothing. */
export const readOnlyHeaders: ResponseHeaders = { setCookies: noCookies, caching: "private" };

/** Whether these headers add nothing to a response. */
export function addsNothing(headers: ResponseHeaders): boolean {
  return headers.caching === "shared" && headers.setCookies.length === 0;
}

/** Adds the headers to a response. Stricter headers that the app set stay unchanged. */
export function applyHeaders(target: HeaderTarget, headers: ResponseHeaders): void {
  for (const cookie of headers.setCookies) target.append("set-cookie", cookie);
  if (headers.caching === "shared") return;
  target.set("vary", mergedVary(target.get("vary"), "Cookie"));
  target.set("cache-control", mergedCacheControl(target.get("cache-control"), headers.caching));
}

/** Adds a name to a Vary header, unless the header already covers it (RFC 9110 12.5.5). */
function mergedVary(vary: string | null | undefined, name: string): string {
  if (vary === null || vary === undefined || vary.trim() === "") return name;
  const names = new Set(vary.split(",").map((part) => part.trim().toLowerCase()));
  return names.has("*") || names.has(name.toLowerCase()) ? vary : `${vary}, ${name}`;
}

/**
 * Returns a Cache-Control header that keeps shared caches from serving one visitor's page to another.
 * A Set-Cookie header does not prevent that by itself (RFC 9111 7.3). `public` and `s-maxage` are replaced.
 */
function mergedCacheControl(cacheControl: string | null | undefined, caching: "private" | "never"): string {
  if (cacheControl === null || cacheControl === undefined || cacheControl === "")
    return caching === "never" ? "no-store" : "private, no-cache";
  const directives = cacheControl
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "");
  if (directives.includes("no-store")) return cacheControl;
  if (caching === "never") return "no-store";
  const isShared = directives.some((part) => part === "public" || part.startsWith("s-maxage"));
  // `private="field"` covers only one header.
  return directives.includes("private") && !isShared ? cacheControl : "private, no-cache";
}
