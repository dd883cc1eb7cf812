import { cookieValues } from "../../cookies/parse.ts";
import type { NextCookies } from "./cookie.ts";

/**
 * The values of a cookie that a component or an action must see: those in the Cookie header, unless the proxy
 * or an earlier action of the same request has set or removed the cookie.
 *
 * Next.js decodes values and keeps only the last of several with the same name. So its cookies are used only to
 * detect such a change, and their values are never put into a header to be parsed again: a decoded value may
 * contain `"; "` and another cookie of an attacker's choice.
 */
export function valuesNow(jar: NextCookies, header: string, name: string): readonly string[] {
  const now = jar.getAll().findLast((cookie) => cookie.name === name)?.value;
  if (now === readByNext(header, name)) return cookieValues(header, name);
  // Next.js sets a removed cookie to the empty string.
  return now === undefined || now === "" ? [] : [now];
}

/** The value that Next.js reads from a Cookie header. Its parser is looser than ours: it ignores tabs and duplicates. */
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
        // Next.js skips values that can't be decoded.
      }
    }
  }
  return found;
}
