/** Longer targets are rejected, in characters. */
const maxLength = 2048;

/** Any origin will do; the check is whether the target leaves it. */
const base = "http://return-path.invalid";

/**
 * Returns the path to redirect to after a login if it stays on this site, otherwise the fallback.
 * Use it for every redirect target that a visitor can influence (ASVS 3.7.2).
 *
 * A target is accepted if it starts with a single `/`, contains only printable ASCII without backslashes, and
 * is still such a path after a URL parser has resolved it. Tricks like `/\evil`, `//evil`, `/..//evil` and
 * `/%09/evil` all leave the site in some browser. The returned path is the resolved one that was checked.
 */
export function safeReturnPath(target: unknown, fallback = "/"): string {
  if (
    typeof target !== "string" ||
    target.length > maxLength ||
    !/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(target)
  ) {
    return fallback;
  }
  if (!URL.canParse(target, base)) return fallback;
  const url = new URL(target, base);
  if (url.origin !== base || url.pathname.startsWith("//")) return fallback;
  return url.pathname + url.search + url.hash;
}
