/** Further pairs are ignored: browsers keep at most 180 cookies for a site. */
const maxPairs = 256;

/**
 * Returns the cookies of a request by name, with the values of each name in order.
 *
 * Names are compared byte for byte and never decoded, only space and tab are trimmed, and only `;` is
 * a separator (RFC 6265bis 4.2.1 and 5.4). With anything looser, another name could pass for ours
 * (CVE-2020-8184, CVE-2023-23934, and U+00A0, which `String.trim` removes). The time is linear in the
 * header's length, and it never throws.
 *
 * @param header the Cookie header; several are joined with `"; "` (HTTP/2 may split it).
 */
export function parseCookieHeader(header: string): ReadonlyMap<string, readonly string[]> {
  const cookies = new Map<string, string[]>();
  eachPair(header, (start, equals, end) => {
    const name = trimmed(header, start, equals);
    const value = trimmed(header, equals + 1, end);
    const values = cookies.get(name);
    if (values === undefined) cookies.set(name, [value]);
    else values.push(value);
  });
  // Cookies without a name: `=__Host-Http-session=...` must not pass for ours.
  cookies.delete("");
  return cookies;
}

/** Returns the values of one name: those that `parseCookieHeader` would return for it. */
export function cookieValues(header: string, name: string): readonly string[] {
  const values: string[] = [];
  eachPair(header, (start, equals, end) => {
    if (trimmed(header, start, equals) === name) values.push(trimmed(header, equals + 1, end));
  });
  return values;
}

/** Calls `visit` with the positions of each pair's start, first equals sign, and end. */
function eachPair(header: string, visit: (start: number, equals: number, end: number) => void): void {
  let start = 0;
  for (let pairs = 0; start < header.length && pairs < maxPairs; pairs++) {
    let end = header.indexOf(";", start);
    if (end === -1) end = header.length;
    const equals = header.indexOf("=", start);
    // Browsers send `value` or `=value` for a cookie without a name; the first form is skipped here.
    if (equals !== -1 && equals < end) visit(start, equals, end);
    start = end + 1;
  }
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
