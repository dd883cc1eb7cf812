import { LimitError, MisuseError } from "../errors.ts";
import { parseJson } from "./json.ts";

/**
 * Values as text: JSON, in which Date, Map, Set, bigint, Uint8Array, URL and -0 are written as an
 * object with one key that starts with `$`. A plain object that looks like that gets one more `$`.
 * What would not come back as it went in is refused, and the error names the path to it.
 */

/**
 * The text of a value. The same value always gives the same text, and `decodeValue` gives it back.
 *
 * @param key the name the value is kept under: the first part of the path in errors.
 * @param maxDepth how many objects or arrays may lie inside each other.
 * @throws MisuseError VALUE_NOT_STORABLE for what JSON and the types above can't hold.
 * @throws LimitError VALUE_TOO_DEEP.
 */
export function encodeValue(value: unknown, key: string, maxDepth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  const walk: Walk = { maxDepth, ancestors: [] };
  return JSON.stringify(toJson(value, key, walk));
}

/** JSON this deep can be walked on any stack; a Map is three levels of it. What lies deeper was not written here. */
export const deepestJson = 1024;

/** The value of a text that `encodeValue` made. @throws SyntaxError, TypeError or RangeError for any other text. */
export function decodeValue(text: string): unknown {
  const json = parseJson(text);
  if (text.length > 2 * deepestJson) assertNotDeeper(json, deepestJson);
  // Most values hold nothing special; only texts that might are walked.
  return text.includes('"$') || text.includes("__proto__") || text.includes("\\u") ? fromJson(json) : json;
}

/** The way to where the walk is: parents only, so that a value may hold the same object twice. */
interface Walk {
  readonly maxDepth: number;
  readonly ancestors: object[];
}

function toJson(value: unknown, path: string, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw notStorable(path, `is ${value}`);
      return Object.is(value, -0) ? { $number: "-0" } : value;
    case "bigint":
      return { $bigint: value.toString() };
    case "object":
      return value === null ? null : objectToJson(value, path, walk);
    default:
      // undefined, function, symbol
      throw notStorable(path, `is ${value === undefined ? "undefined" : `a ${typeof value}`}`);
  }
}

function objectToJson(value: object, path: string, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) throw notStorable(path, "contains itself");
  if (walk.ancestors.length >= walk.maxDepth) {
    throw new LimitError("VALUE_TOO_DEEP", `${path} lies deeper than ${walk.maxDepth} levels.`);
  }
  walk.ancestors.push(value);
  try {
    return kindToJson(value, path, walk);
  } catch (error) {
    // What has a built-in's prototype and was not built as one refuses its methods.
    throw error instanceof TypeError ? notStorable(path, `only looks like a ${nameOf(value)}`) : error;
  } finally {
    walk.ancestors.pop();
  }
}

/** How many own keys every URL has: none in Node, a mark of the runtime's own in Deno. */
const urlKeys = Reflect.ownKeys(new URL("about:blank")).length;

function kindToJson(value: object, path: string, walk: Walk): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Uint8Array.prototype && value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (value instanceof Uint8Array) {
    throw notStorable(path, `is a ${nameOf(value)} (new Uint8Array(bytes) makes it a plain one)`);
  }
  const keys = Reflect.ownKeys(value);
  if (prototype === Array.prototype && Array.isArray(value)) {
    // "length" is an own key of every array, and comes right after the indices.
    if (keys.length !== value.length + 1 || keys[value.length] !== "length")
      throw notStorable(path, "is an array with holes or extra properties");
    return value.map((item, at) => toJson(item, `${path}[${at}]`, walk));
  }
  if (prototype === Object.prototype) return plainToJson(value, keys, path, walk);
  if (keys.length > (prototype === URL.prototype ? urlKeys : 0))
    throw notStorable(path, `is a ${nameOf(value)} with extra properties`);
  if (prototype === Date.prototype && value instanceof Date) {
    const time = value.getTime();
    if (Number.isNaN(time)) throw notStorable(path, "is an invalid Date");
    return { $Date: time };
  }
  if (prototype === Map.prototype && value instanceof Map) {
    return {
      $Map: Array.from(value, ([key, item], at) => [
        toJson(key, `${path}[Map key ${at}]`, walk),
        toJson(item, `${path}[Map value ${at}]`, walk),
      ]),
    };
  }
  if (prototype === Set.prototype && value instanceof Set) {
    return { $Set: Array.from(value, (item, at) => toJson(item, `${path}[Set item ${at}]`, walk)) };
  }
  if (prototype === URL.prototype && value instanceof URL) return { $URL: value.href };
  throw notStorable(path, `is a ${nameOf(value)}`);
}

function plainToJson(value: object, keys: readonly (string | symbol)[], path: string, walk: Walk): unknown {
  const json: Record<string, unknown> = {};
  for (const key of keys) {
    if (typeof key === "symbol") throw notStorable(path, "has a symbol as a key");
    const property = Object.getOwnPropertyDescriptor(value, key);
    const at = `${path}.${key}`;
    if (property === undefined || !property.enumerable || !("value" in property)) {
      throw notStorable(at, "is hidden or computed by a getter");
    }
    // An own "__proto__" becomes a prototype as soon as somebody merges objects (CVE-2018-3721 and many more).
    if (key === "__proto__") throw notStorable(at, "has a name that changes prototypes");
    json[key] = toJson(property.value, at, walk);
  }
  const only = keys.length === 1 ? keys[0] : undefined;
  return typeof only === "string" && only.startsWith("$") ? { [`$${only}`]: json[only] } : json;
}

function assertNotDeeper(json: unknown, levels: number): void {
  if (typeof json !== "object" || json === null) return;
  if (levels === 0) throw new SyntaxError("a value is too deep");
  for (const item of Object.values(json)) assertNotDeeper(item, levels - 1);
}

function fromJson(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const entries = Object.entries(json);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && only[0].startsWith("$")) return fromTag(only[0], only[1]);
  const value: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    if (key === "__proto__") throw new SyntaxError("a value holds a forbidden key");
    value[key] = fromJson(item);
  }
  return value;
}

function fromTag(tag: string, json: unknown): unknown {
  if (tag.startsWith("$$")) return { [tag.slice(1)]: fromJson(json) };
  if (tag === "$Date" && typeof json === "number") return new Date(json);
  if (tag === "$Map" && Array.isArray(json)) return new Map(json.map(pairFromJson));
  if (tag === "$Set" && Array.isArray(json)) return new Set(json.map(fromJson));
  if (typeof json === "string") {
    if (tag === "$bigint") return BigInt(json);
    if (tag === "$bytes") return Uint8Array.from(Buffer.from(json, "base64"));
    if (tag === "$URL") return new URL(json);
    if (tag === "$number" && json === "-0") return -0;
  }
  throw new SyntaxError("a value has an unknown tag");
}

function pairFromJson(json: unknown): [unknown, unknown] {
  if (!Array.isArray(json) || json.length !== 2) throw new SyntaxError("a Map's entry is not a pair");
  return [fromJson(json[0]), fromJson(json[1])];
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object without a prototype";
}

function notStorable(path: string, what: string): MisuseError {
  return new MisuseError(
    "VALUE_NOT_STORABLE",
    `${path} ${what}, which would not come back as it went in. A session keeps JSON values, Date, Map, Set, ` +
      "bigint, Uint8Array and URL; copy what you need into one of these.",
  );
}
