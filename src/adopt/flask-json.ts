/** JSON of this depth can be parsed on any stack. */
const deepest = 64;

/** The next token, after white space. Python also writes NaN and Infinity, which are not JSON. */
const token =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*")|(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)|(true|false|null|NaN|-?Infinity))/uy;

/** What Flask writes as an object with one key, by that key. */
const tags: Readonly<Record<string, (value: unknown) => unknown>> = {
  " t": (value) => expected(Array.isArray(value), value),
  " b": (value) => new Uint8Array(Buffer.from(textOf(value), "base64")),
  " m": textOf,
  " u": (value) => uuidOf(textOf(value)),
  " d": (value) => new Date(textOf(value)),
  // A dict that itself has one key that looks like a tag.
  " di": (value) => untagged(value),
};

/**
 * Parses the tagged JSON of Flask's sessions. Whole numbers that a double can't hold become a `bigint`: rounded, the
 * id of one user would be that of another.
 *
 * @throws SyntaxError if it is not what Flask writes, is nested too deeply, or has a key `__proto__`.
 */
export function parseFlaskJson(text: string): unknown {
  const tokens = new Tokens(text);
  const value = parseValue(tokens, tokens.next(), deepest);
  tokens.end();
  return value;
}

class Tokens {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): RegExpExecArray {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null) throw new SyntaxError("This is not JSON.");
    this.#at = token.lastIndex;
    return found;
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== "") throw new SyntaxError("Something follows the JSON.");
  }
}

function parseValue(
  tokens: Tokens,
  [, mark, string, number, fraction, exponent, word]: RegExpExecArray,
  levels: number,
): unknown {
  if (string !== undefined) return textIn(string);
  if (number !== undefined) return numberOf(number, fraction === undefined && exponent === undefined);
  if (word !== undefined) return words.get(word);
  if (levels === 0) throw new SyntaxError("It is nested too deeply.");
  if (mark === "[") return parseArray(tokens, levels - 1);
  if (mark === "{") return untag(parseObject(tokens, levels - 1));
  throw new SyntaxError("A value is missing.");
}

const words = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function parseArray(tokens: Tokens, levels: number): unknown[] {
  const items: unknown[] = [];
  let found = tokens.next();
  if (found[1] === "]") return items;
  for (;;) {
    items.push(parseValue(tokens, found, levels));
    const [, mark] = tokens.next();
    if (mark === "]") return items;
    expected(mark === ",", mark);
    found = tokens.next();
  }
}

function parseObject(tokens: Tokens, levels: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  let found = tokens.next();
  if (found[1] === "}") return object;
  for (;;) {
    const key = textIn(found[2] ?? "");
    expected(key !== "__proto__" && tokens.next()[1] === ":", key);
    object[key] = parseValue(tokens, tokens.next(), levels);
    const [, mark] = tokens.next();
    if (mark === "}") return object;
    expected(mark === ",", mark);
    found = tokens.next();
  }
}

/** Decodes a string token. V8 reads escapes correctly in a string that is not a key. */
function textIn(string: string): string {
  return textOf(JSON.parse(string));
}

function numberOf(text: string, isWhole: boolean): number | bigint {
  const number = Number(text);
  return isWhole && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

function untag(object: Record<string, unknown>): unknown {
  const [key = "", ...others] = Object.keys(object);
  return others.length === 0 && Object.hasOwn(tags, key) ? tags[key]?.(object[key]) : object;
}

/** Removes the two characters that Flask has added to the key. */
function untagged(value: unknown): object {
  if (typeof value !== "object" || value === null) throw new SyntaxError("A tag has a wrong value.");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.slice(0, -2), item]));
}

function uuidOf(hex: string): string {
  const parts = /^([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/.exec(hex);
  if (parts === null) throw new SyntaxError("A UUID is wrong.");
  return parts.slice(1).join("-");
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new SyntaxError("A tag has a wrong value.");
  return value;
}

function expected<T>(holds: boolean, value: T): T {
  if (!holds) throw new SyntaxError("This is not JSON.");
  return value;
}
