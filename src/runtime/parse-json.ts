/** The prefix of placeholder keys. */
const mark = "\u007f";

/**
 * `JSON.parse` that always returns the right keys. V8 may confuse a key that is written with an escape with another
 * key that it saw in the same place before (nodejs/node#63785, at least Node 22 to 26). So keys with escapes are
 * replaced by placeholders before V8 parses the text.
 *
 * @throws SyntaxError if the text is not JSON.
 */
export function parseJson(text: string): unknown {
  if (!text.includes("\\")) return JSON.parse(text);
  const safe = withPlaceholders(text);
  return safe === text ? JSON.parse(text) : withOriginalKeys(JSON.parse(safe));
}

/** Replaces each key that has an escape, or that looks like a placeholder. */
function withPlaceholders(text: string): string {
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

/** Returns the position of the closing quotation mark of the string that starts at `start`, or -1. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return at;
    if (character === "\\") at++;
  }
  return -1;
}

/** Whether the string that ends at `end` is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (at < text.length && " \t\n\r".includes(text[at] ?? "")) at++;
  return text[at] === ":";
}

/** Replaces the placeholders by the keys they stand for. */
function withOriginalKeys(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(withOriginalKeys);
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => [originalKey(key), withOriginalKeys(item)]),
  );
}

function originalKey(key: string): string {
  if (!key.startsWith(mark)) return key;
  // V8 reads escapes correctly in a string that is not a key.
  return String(JSON.parse(`"${Buffer.from(key.slice(mark.length), "hex").toString("utf16le")}"`));
}
