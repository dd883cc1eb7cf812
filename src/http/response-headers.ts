/** What a response must carry because of what its handler did with the session and cookies. */
export interface ResponseHeaders {
  /** Set-Cookie headers, one for each cookie; never join them. */
  readonly setCookies: readonly string[];
  /**
   * How caches must treat the response: `"shared"`, as the app says, since nothing was looked at;
   * `"private"`, since it depends on this visitor; `"never"`, since it carries a cookie or a message.
   */
  readonly caching: "shared" | "private" | "never";
}

/** What must be done to a response's headers; `Headers` fits. */
export interface HeaderTarget {
  get(name: string): string | null;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
}

/** Whether these add nothing to a response. */
export function addsNothing(headers: ResponseHeaders): boolean {
  return headers.caching === "shared" && headers.setCookies.length === 0;
}

/** Adds the headers to those of a response, stricter ones of the app's own left as they are. */
export function applyHeaders(target: HeaderTarget, headers: ResponseHeaders): void {
  for (const cookie of headers.setCookies) target.append("set-cookie", cookie);
  if (headers.caching === "shared") return;
  target.set("vary", mergedVary(target.get("vary"), "Cookie"));
  target.set("cache-control", mergedCacheControl(target.get("cache-control"), headers.caching));
}

/** A Vary header with one more name, unless it has it already (RFC 9110 12.5.5). */
function mergedVary(vary: string | null | undefined, name: string): string {
  if (vary === null || vary === undefined || vary.trim() === "") return name;
  const names = new Set(vary.split(",").map((part) => part.trim().toLowerCase()));
  return names.has("*") || names.has(name.toLowerCase()) ? vary : `${vary}, ${name}`;
}

/**
 * A Cache-Control header that keeps a shared cache from serving one visitor's page to another.
 * A Set-Cookie header does not do that by itself (RFC 9111 7.3). `public` and `s-maxage` give way.
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
  // `private="field"` speaks of one header only.
  return directives.includes("private") && !isShared ? cacheControl : "private, no-cache";
}
