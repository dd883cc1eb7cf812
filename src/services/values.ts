import { types } from "node:util";
import { LimitError, MisuseError } from "../errors.ts";
import { parseJson } from "../runtime/parse-json.ts";

/**
 * Encodes values as JSON. A value that JSON does not have (Date, Map, Set, bigint, Uint8Array, URL, undefined, NaN,
 * the infinities and -0) becomes an object with one key that starts with `$`. A plain object that looks the same gets
 * an additional `$`. docs/values.md says what happens to each kind of value; any other kind is refused, with the path
 * to it.
 *
 * An object's kind is determined by its internal type and not by its prototype, which differs between realms.
 */

/**
 * Encodes a value as text. The same value always gives the same text, and `decodeValue` restores the value.
 *
 * @param key the key of the value: the first part of the path in errors.
 * @param maxDepth how deeply objects and arrays may be nested.
 * @throws MisuseError VALUE_NOT_STORABLE if a kind of value can't be stored; whatever a getter throws.
 * @throws LimitError VALUE_TOO_DEEP.
 */
export function encodeValue(value: unknown, key: string, maxDepth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  const json = toJson(value, key, { maxDepth, ancestors: [], count: 0 });
  if (json === nothing) throw notStorable(key, "is undefined", "delete the key instead");
  return JSON.stringify(json);
}

/** JSON of this depth can be walked on any stack; a Map takes three levels. Deeper JSON was not written here. */
export const deepestJson = 1024;

/** Decodes a text that `encodeValue` returned. @throws SyntaxError, TypeError or RangeError for any other text. */
export function decodeValue(text: string): unknown {
  const json = parseJson(text);
  if (text.length > 2 * deepestJson) assertNotDeeper(json, deepestJson);
  // Most values contain nothing special; only texts that may contain something are walked.
  const value =
    text.includes('"$') || text.includes("__proto__") || text.includes("\\u") ? fromJson(json) : json;
  // Nothing is stored for undefined, so this text is not one of ours.
  if (value === undefined) throw new SyntaxError("a value is undefined");
  return value;
}

/** The state of a walk through a value. */
interface Walk {
  readonly maxDepth: number;
  /** Only the parents of the current object, so that a value may contain the same object twice. */
  readonly ancestors: object[];
  /** The number of objects and arrays so far. */
  count: number;
}

/** An object that occurs several times is written out each time, so a few nested objects may expand to millions. */
const maxObjects = 2 ** 18;

/** Stands for `undefined` in arrays, Maps and Sets. An undefined property is left out instead. */
const nothing = Object.freeze({ $undefined: null });

/** The time to convert a bigint to digits and back grows faster than its length. */
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
        throw notStorable(path, `is a bigint of more than ${bigintBits} bits`, "store it as bytes");
      return { $bigint: value.toString() };
    case "object":
      return value === null ? null : objectToJson(value, path, walk);
    default:
      throw notStorable(path, `is a ${typeof value}`, "store data that represents it");
  }
}

function objectToJson(value: object, path: string, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) throw notStorable(path, "contains itself", "store each part once");
  if (walk.ancestors.length >= walk.maxDepth) {
    throw new LimitError("VALUE_TOO_DEEP", `${path} is nested deeper than ${walk.maxDepth} levels.`);
  }
  if (++walk.count > maxObjects) {
    throw new LimitError(
      "SESSION_TOO_LARGE",
      `${path} is one of more than ${maxObjects} objects in one value.`,
    );
  }
  walk.ancestors.push(value);
  const json = Array.isArray(value) ? arrayToJson(value, path, walk) : kindToJson(value, path, walk);
  walk.ancestors.pop();
  return json;
}

/** Longer arrays are checked for holes. */
const mayBeHoles = 1024;

function arrayToJson(value: readonly unknown[], path: string, walk: Walk): unknown[] {
  if (value.length > mayBeHoles && Object.keys(value).length < value.length / 2)
    throw notStorable(path, "is an array that consists mostly of holes", "use a Map with number keys");
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
  // node:util has no type check for URLs.
  if (Object.prototype.toString.call(value) === "[object URL]" && "href" in value) {
    const href = callOwn(path, "has a href that can't be read", () => String(value.href));
    if (URL.canParse(href)) return { $URL: href };
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const { toJSON } = value;
    const json: unknown = callOwn(path, "has a toJSON that throws", () => Reflect.apply(toJSON, value, []));
    return toJson(json, path, walk);
  }
  if (isPlain || Object.getPrototypeOf(prototype) === null) return plainToJson(value, path, walk);
  throw notStorable(path, `is a ${nameOf(value)}`, adviceFor(value));
}

/** Encodes an object whose prototype is `null`, or has none itself (`Object.prototype` of any realm). */
function plainToJson(value: object, path: string, walk: Walk): unknown {
  const json: Record<string, unknown> = {};
  let count = 0;
  let last = "";
  for (const key of Object.keys(value)) {
    const at = `${path}.${key}`;
    // An own "__proto__" becomes a prototype as soon as code merges objects (CVE-2018-3721 and many more).
    if (key === "__proto__") throw notStorable(at, "has a name that changes prototypes", "use another name");
    const item = toJson(Reflect.get(value, key), at, walk);
    if (item === nothing) continue;
    json[key] = item;
    last = key;
    count++;
  }
  return count === 1 && last.startsWith("$") ? { [`$${last}`]: json[last] } : json;
}

function bytesToJson(buffer: ArrayBufferLike, offset: number, length: number): unknown {
  // A detached buffer, which was transferred to another thread, has length 0 and would throw.
  return { $bytes: length === 0 ? "" : Buffer.from(buffer, offset, length).toString("base64") };
}

/** Runs code of the app's own objects, and reports an error in it with the path. */
function callOwn<T>(path: string, what: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw notStorable(path, what, "see the cause", cause);
  }
}

function assertNotDeeper(json: unknown, levels: number): void {
  if (typeof json !== "object" || json === null) return;
  if (levels === 0) throw new SyntaxError("a value is nested too deeply");
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
    if (key === "__proto__") throw new SyntaxError("a value contains a forbidden key");
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

/** Returns what to do with an object that can't be stored. */
function adviceFor(value: object): string {
  if (types.isPromise(value)) return "await it first";
  if (types.isNativeError(value)) return "store its message or its code";
  if (ArrayBuffer.isView(value)) return "store its numbers with Array.from, or its bytes with its buffer";
  return "give its class a toJSON method, or copy what you need into a plain object";
}

function notStorable(path: string, what: string, advice: string, cause?: unknown): MisuseError {
  return new MisuseError(
    "VALUE_NOT_STORABLE",
    `${path} ${what}, so it can't be stored and restored unchanged: ${advice}. A session stores JSON values, Date, Map, ` +
      "Set, bigint, Uint8Array and URL.",
    cause === undefined ? undefined : { cause },
  );
}
