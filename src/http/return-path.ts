/** Longer targets than this are not followed, in characters. */
const maxLength = 2048;

/** Any origin will do: the question is whether the target leaves it. */
const base = "http://return-path.invalid";

/**
 * The path to send somebody back to after a login, if it stays on this site; otherwise the fallback.
 * Use it for every target that a visitor can influence (ASVS 3.7.2).
 *
 * Taken is what starts with one `/`, holds only printable ASCII without backslash, and is still such
 * a path after a URL parser has resolved it: `/\evil`, `//evil`, `/..//evil` and `/%09/evil`-like
 * tricks all leave the site in some browser. What is returned is what was checked.
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
