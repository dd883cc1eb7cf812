/** More pairs than this are not looked at: browsers keep 180 a site at most. */
const maxPairs = 256;

/**
 * The cookies of a request, by name, each name's values in the order they came.
 *
 * Names are compared byte for byte and never decoded, only space and tab are trimmed, and only `;`
 * separates (RFC 6265bis 4.2.1 and 5.4): anything looser lets another name pass for ours
 * (CVE-2020-8184, CVE-2023-23934, and U+00A0, which `String.trim` cuts off). Linear in the
 * header's length, and never throws.
 *
 * @param header the Cookie header; several are joined with `"; "` (HTTP/2 sends crumbs).
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
  // Nameless; `=__Host-Http-session=...` must not pass for ours.
  cookies.delete("");
  return cookies;
}

/** The values of one name alone: what `parseCookieHeader` would have under it. */
export function cookieValues(header: string, name: string): readonly string[] {
  const values: string[] = [];
  eachPair(header, (start, equals, end) => {
    if (trimmed(header, start, equals) === name) values.push(trimmed(header, equals + 1, end));
  });
  return values;
}

/** Where each pair begins, has its first equals sign, and ends. */
function eachPair(header: string, found: (start: number, equals: number, end: number) => void): void {
  let start = 0;
  for (let pairs = 0; start < header.length && pairs < maxPairs; pairs++) {
    let end = header.indexOf(";", start);
    if (end === -1) end = header.length;
    const equals = header.indexOf("=", start);
    // A part without a name names nothing: browsers send `value` or `=value` for nameless cookies.
    if (equals !== -1 && equals < end) found(start, equals, end);
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
