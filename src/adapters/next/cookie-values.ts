import { cookieValues } from "../../cookies/parse.ts";
import type { NextCookies } from "./cookie.ts";

/**
 * The values of one cookie, as a component or an action of this request is to see them: those of the Cookie
 * header, unless an earlier action of the same request, or the proxy, has set or removed the cookie.
 *
 * Next.js decodes values and keeps the last of several with one name. So its cookies are asked for that one
 * change alone, and a value of theirs is never written into a header to be parsed again: decoded, it may hold
 * `"; "` and a cookie of a stranger's choice.
 */
export function valuesNow(jar: NextCookies, header: string, name: string): readonly string[] {
  const now = jar.getAll().findLast((cookie) => cookie.name === name)?.value;
  if (now === readByNext(header, name)) return cookieValues(header, name);
  // Next.js empties a cookie that it removes.
  return now === undefined || now === "" ? [] : [now];
}

/** What Next.js finds under a name in a Cookie header: looser than we read it (it knows neither tabs nor duplicates). */
function readByNext(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of header.split(/; */)) {
    const equals = pair.indexOf("=");
    if (pair === "" || (equals === -1 ? pair : pair.slice(0, equals)) !== name) continue;
    if (equals === -1) found = "true";
    else {
      try {
        found = decodeURIComponent(pair.slice(equals + 1));
      } catch {
        // Next.js passes over what does not decode.
      }
    }
  }
  return found;
}
