/** What the stand-in of a key begins with. */
const mark = "\u007f";

/**
 * `JSON.parse` that is sure of its keys. V8's own may take a key that is written with an escape for another one that
 * it saw in the same place before (nodejs/node#63785, Node 22 to 26 at least), so it never gets to see such keys.
 *
 * @throws SyntaxError for what is no JSON.
 */
export function parseJson(text: string): unknown {
  if (!text.includes("\\")) return JSON.parse(text);
  const safe = withStandIns(text);
  return safe === text ? JSON.parse(text) : withKeys(JSON.parse(safe));
}

/** The text with another key in place of each that has an escape. */
function withStandIns(text: string): string {
  let safe = "";
  let copied = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (end === -1) break;
    const body = text.slice(start + 1, end);
    if (isKey(text, end) && (body.includes("\\") || body.startsWith(mark))) {
      safe += `${text.slice(copied, start + 1)}${mark}${Buffer.from(body, "utf16le").toString("hex")}`;
      copied = end;
    }
    start = text.indexOf('"', end + 1);
  }
  return safe + text.slice(copied);
}

/** Where the string that begins at a quotation mark has its other one; -1 where it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return at;
    if (character === "\\") at++;
  }
  return -1;
}

/** Whether a colon follows the string that ends here. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (at < text.length && " \t\n\r".includes(text[at] ?? "")) at++;
  return text[at] === ":";
}

/** The same with the keys that have stand-ins. */
function withKeys(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(withKeys);
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [keyOf(key), withKeys(item)]));
}

function keyOf(key: string): string {
  if (!key.startsWith(mark)) return key;
  // In a string that is no key V8 reads escapes as they are written.
  return String(JSON.parse(`"${Buffer.from(key.slice(mark.length), "hex").toString("utf16le")}"`));
}
