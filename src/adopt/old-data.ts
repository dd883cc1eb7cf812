import { parseJson } from "../runtime/parse-json.ts";

/** Longer texts are not parsed. Far more than any of these systems keeps in a session. */
const maxTextLength = 1_048_576;

/** JSON of this depth can be walked on any stack. */
const deepest = 64;

/**
 * Parses the JSON of an old session.
 *
 * @returns `undefined` if it is not JSON, not an object, too long, nested too deeply, or has a key `__proto__`.
 */
export function parseOldData(text: string): object | undefined {
  if (text.length > maxTextLength) return undefined;
  try {
    return checkedOldData(parseJson(text));
  } catch (error) {
    // Only what the text can cause: a syntax error, or nesting beyond the stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Returns a value if it is an object in which nothing can change prototypes. */
export function checkedOldData(value: unknown): object | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isHarmless(value, deepest)
    ? value
    : undefined;
}

function isHarmless(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0 || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((item) => isHarmless(item, levels - 1));
}

/** Returns an own property of any value. */
export function ownProperty(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** Returns an object without some of its properties. */
export function without(value: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
