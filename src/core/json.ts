/** Every string of a JSON text, a key with its colon. */
const strings = /"((?:[^"\\]|\\.)*)"(\s*:)?/gs;

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
  let standIns = 0;
  const safe = text.replace(strings, (whole, body: string, colon: string | undefined) => {
    if (colon === undefined || !(body.includes("\\") || body.startsWith(mark))) return whole;
    standIns++;
    return `"${mark}${Buffer.from(body, "utf16le").toString("hex")}"${colon}`;
  });
  return standIns === 0 ? JSON.parse(text) : withKeys(JSON.parse(safe));
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
