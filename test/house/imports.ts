/** Sources by path from the repository's root (`src/crypto/ticket.ts`), with their text. */
export type Files = ReadonlyMap<string, string>;

/** One import, export-from or dynamic import of a file. */
export interface Import {
  readonly specifier: string;
  /** The path from the root that a relative specifier means; `undefined` for packages. */
  readonly target: string | undefined;
}

const specifiers = [
  // import … from "x"; export … from "x": no quote and no semicolon stands between the two words.
  /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
  // import "x";
  /^\s*import\s*["']([^"']+)["']/gm,
  // import("x"), also as a type.
  /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
];

/** Everything that a file imports, types included. */
export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const found = specifiers.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
  return found.map((specifier) => ({ specifier, target: resolve(path, specifier) }));
}

/**
 * The text with comments blanked out, line for line. Strings and templates stay, so that what is
 * inside them is never taken for a comment. Regular expressions that hold a quote would confuse it;
 * the rules only ever get stricter by that.
 */
export function withoutComments(text: string): string {
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[^]*?\*\/|\/\/[^\n]*/g;
  return text.replaceAll(token, (part) =>
    part.startsWith("/*") || part.startsWith("//") ? part.replaceAll(/[^\n]/g, " ") : part,
  );
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
