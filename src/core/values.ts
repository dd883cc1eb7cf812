import { types } from "node:util";
import { LimitError, MisuseError } from "../errors.ts";
import { parseJson } from "./json.ts";

/**
 * Values as text: JSON, in which what JSON has no word for (Date, Map, Set, bigint, Uint8Array, URL, undefined, NaN,
 * the infinities and -0) is an object with one key that starts with `$`. A plain object that looks like that gets one
 * more `$`. docs/values.md says what becomes of each kind; what is of no kind is refused, with the path to it.
 *
 * Kinds are told by what V8 knows of an object and not by its prototype, which is another one in every realm.
 */

/**
 * The text of a value. The same value always gives the same text, and `decodeValue` gives it back.
 *
 * @param key the name the value is kept under: the first part of the path in errors.
 * @param maxDepth how many objects or arrays may lie inside each other.
 * @throws MisuseError VALUE_NOT_STORABLE for what is of no kind that can be kept; what a getter throws.
 * @throws LimitError VALUE_TOO_DEEP.
 */
export function encodeValue(value: unknown, key: string, maxDepth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  const json = toJson(value, key, { maxDepth, ancestors: [], count: 0 });
  if (json === nothing) throw notStorable(key, "is undefined", "delete the key instead");
  return JSON.stringify(json);
}

/** JSON this deep can be walked on any stack; a Map is three levels of it. What lies deeper was not written here. */
export const deepestJson = 1024;

/** The value of a text that `encodeValue` made. @throws SyntaxError, TypeError or RangeError for any other text. */
export function decodeValue(text: string): unknown {
  const json = parseJson(text);
  if (text.length > 2 * deepestJson) assertNotDeeper(json, deepestJson);
  // Most values hold nothing special; only texts that might are walked.
  const value =
    text.includes('"$') || text.includes("__proto__") || text.includes("\\u") ? fromJson(json) : json;
  if (value === undefined) throw new SyntaxError("a value is undefined");
  return value;
}

/** The way to where the walk is: parents only, so that a value may hold the same object twice. */
interface Walk {
  readonly maxDepth: number;
  readonly ancestors: object[];
  /** How many objects and arrays there were. */
  count: number;
}

/** Parts that hold each other several times are written out each time, so that a few may stand for millions. */
const mostObjects = 2 ** 18;

/** What stands for `undefined` where it has a place: in arrays, Maps and Sets. A property is left out instead. */
const nothing = Object.freeze({ $undefined: null });

/** Writing a bigint as digits, and reading them, takes longer than in proportion to their number. */
const bigintBits = 65_536;
const bigintEnd = 2n ** BigInt(bigintBits);
const bigintShape = /^-?[0-9]{1,19729}$/;

function toJson(value: unknown, path: string, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Object.is(value, -0)) return { $number: "-0" };
      return Number.isFinite(value) ? value : { $number: String(value) };
    case "undefined":
      return nothing;
    case "bigint":
      if (value >= bigintEnd || value <= -bigintEnd)
        throw notStorable(path, `is a bigint of more than ${bigintBits} bits`, "keep it as bytes");
      return { $bigint: value.toString() };
    case "object":
      return value === null ? null : objectToJson(value, path, walk);
    default:
      throw notStorable(path, `is a ${typeof value}`, "keep what it stands for");
  }
}

function objectToJson(value: object, path: string, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) throw notStorable(path, "contains itself", "keep each part once");
  if (walk.ancestors.length >= walk.maxDepth) {
    throw new LimitError("VALUE_TOO_DEEP", `${path} lies deeper than ${walk.maxDepth} levels.`);
  }
  if (++walk.count > mostObjects) {
    throw new LimitError(
      "SESSION_TOO_LARGE",
      `${path} is one of more than ${mostObjects} objects in one value.`,
    );
  }
  walk.ancestors.push(value);
  const json = Array.isArray(value) ? arrayToJson(value, path, walk) : kindToJson(value, path, walk);
  walk.ancestors.pop();
  return json;
}

/** An array as long as this may be made of holes. */
const mayBeHoles = 1024;

function arrayToJson(value: readonly unknown[], path: string, walk: Walk): unknown[] {
  if (value.length > mayBeHoles && Object.keys(value).length < value.length / 2)
    throw notStorable(path, "is an array made of holes", "keep a Map from numbers");
  const json: unknown[] = [];
  for (let at = 0; at < value.length; at++) json.push(toJson(value[at], `${path}[${at}]`, walk));
  return json;
}

function kindToJson(value: object, path: string, walk: Walk): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (isPlain && !("toJSON" in value)) return plainToJson(value, path, walk);
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    return { $Date: Number.isNaN(time) ? null : time };
  }
  if (types.isMap(value)) {
    return {
      $Map: Array.from(value, ([key, item], at) => [
        toJson(key, `${path}[Map key ${at}]`, walk),
        toJson(item, `${path}[Map value ${at}]`, walk),
      ]),
    };
  }
  if (types.isSet(value)) {
    return { $Set: Array.from(value, (item, at) => toJson(item, `${path}[Set item ${at}]`, walk)) };
  }
  if (types.isUint8Array(value)) return bytesToJson(value.buffer, value.byteOffset, value.byteLength);
  if (types.isArrayBuffer(value)) return bytesToJson(value, 0, value.byteLength);
  // There is no question to V8 for this one.
  if (Object.prototype.toString.call(value) === "[object URL]" && "href" in value) {
    const href = asked(path, "has a href that can't be read", () => String(value.href));
    if (URL.canParse(href)) return { $URL: href };
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const { toJSON } = value;
    const json: unknown = asked(path, "has a toJSON that throws", () => Reflect.apply(toJSON, value, []));
    return toJson(json, path, walk);
  }
  if (isPlain || Object.getPrototypeOf(prototype) === null) return plainToJson(value, path, walk);
  throw notStorable(path, `is a ${nameOf(value)}`, wayOut(value));
}

/** What is taken apart is at the end of a chain of prototypes, or at most one before it, as in another realm. */
function plainToJson(value: object, path: string, walk: Walk): unknown {
  const json: Record<string, unknown> = {};
  let count = 0;
  let last = "";
  for (const key of Object.keys(value)) {
    const at = `${path}.${key}`;
    // An own "__proto__" becomes a prototype as soon as somebody merges objects (CVE-2018-3721 and many more).
    if (key === "__proto__") throw notStorable(at, "has a name that changes prototypes", "take another name");
    const item = toJson(Reflect.get(value, key), at, walk);
    if (item === nothing) continue;
    json[key] = item;
    last = key;
    count++;
  }
  return count === 1 && last.startsWith("$") ? { [`$${last}`]: json[last] } : json;
}

function bytesToJson(buffer: ArrayBufferLike, offset: number, length: number): unknown {
  // A buffer that was handed over to another thread is empty, and nothing can be made of it.
  return { $bytes: length === 0 ? "" : Buffer.from(buffer, offset, length).toString("base64") };
}

/** What a value of the app's own says of itself. */
function asked<T>(path: string, what: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    throw notStorable(path, what, "see the cause", cause);
  }
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
  if (tag === "$Date" && (typeof json === "number" || json === null)) return new Date(json ?? Number.NaN);
  if (tag === "$Map" && Array.isArray(json)) return new Map(json.map(pairFromJson));
  if (tag === "$Set" && Array.isArray(json)) return new Set(json.map(fromJson));
  if (typeof json === "string") {
    if (tag === "$bigint" && bigintShape.test(json)) return BigInt(json);
    if (tag === "$bytes") return Uint8Array.from(Buffer.from(json, "base64"));
    if (tag === "$URL") return new URL(json);
    if (tag === "$number" && ["-0", "NaN", "Infinity", "-Infinity"].includes(json)) return Number(json);
  }
  if (tag === "$undefined" && json === null) return undefined;
  throw new SyntaxError("a value has an unknown tag");
}

function pairFromJson(json: unknown): [unknown, unknown] {
  if (!Array.isArray(json) || json.length !== 2) throw new SyntaxError("a Map's entry is not a pair");
  return [fromJson(json[0]), fromJson(json[1])];
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object of no class";
}

/** What to do with an object that can't be kept. */
function wayOut(value: object): string {
  if (types.isPromise(value)) return "await it first";
  if (types.isNativeError(value)) return "keep its message, or its code";
  if (ArrayBuffer.isView(value)) return "Array.from keeps its numbers, and its buffer its bytes";
  return "give its class a toJSON method, or copy what you need into a plain object";
}

function notStorable(path: string, what: string, wayOutOfIt: string, cause?: unknown): MisuseError {
  return new MisuseError(
    "VALUE_NOT_STORABLE",
    `${path} ${what}, which would not come back as it went in: ${wayOutOfIt}. A session keeps JSON values, Date, Map, ` +
      "Set, bigint, Uint8Array and URL.",
    cause === undefined ? undefined : { cause },
  );
}
