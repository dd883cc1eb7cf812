import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a text stands in the sources. */
export interface Place {
  /** The path from the root, such as `src/sessions.ts`. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** Words, and all other characters one by one; comments, which are left out, follow a blank. */
const lexeme = /(?<=^|\s)(?:\/\/[^\n]*|\/\*[^]*?\*\/)|([\w$]+|[^\s\w$])/gm;

interface Token {
  readonly text: string;
  readonly start: number;
}

function tokensOf(code: string): Token[] {
  return Array.from(code.matchAll(lexeme), ({ 1: text = "", index: start }) => ({ text, start })).filter(
    ({ text }) => text !== "",
  );
}

/** A file's tokens, and where each word or character stands among them. */
interface File {
  readonly path: string;
  readonly tokens: readonly Token[];
  readonly positions: ReadonlyMap<string, readonly number[]>;
}

/**
 * The sources, to be searched by what they say: white space, comments and commas at the end of a list do not count.
 * So files can be moved, and reformatted, without a change to the texts that are looked for.
 */
export class Sources {
  readonly #files: readonly File[];

  /** @param files their texts by path. */
  constructor(files: ReadonlyMap<string, string>) {
    this.#files = Array.from(files, ([path, code]) => {
      const tokens = tokensOf(code);
      const positions = new Map<string, number[]>();
      for (const [at, { text }] of tokens.entries()) {
        const found = positions.get(text);
        if (found === undefined) positions.set(text, [at]);
        else found.push(at);
      }
      return { path, tokens, positions };
    });
  }

  /** All of src below a folder. */
  static in(root: string): Sources {
    const paths = globSync("src/**/*.ts", { cwd: root }).map((path) => path.replaceAll("\\", "/"));
    return new Sources(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])));
  }

  /** Every place where a text stands. */
  places(text: string): Place[] {
    const wanted = tokensOf(text).map((token) => token.text);
    return this.#files.flatMap(({ path, tokens, positions }) =>
      (positions.get(wanted[0] ?? "") ?? []).flatMap((at) => {
        const end = endOf(wanted, tokens, at);
        return end === undefined ? [] : [{ file: path, start: tokens[at]?.start ?? 0, end }];
      }),
    );
  }
}

/** Where the text that begins at a token ends, if it is the wanted one. */
function endOf(wanted: readonly string[], tokens: readonly Token[], first: number): number | undefined {
  let at = first;
  for (const [place, text] of wanted.entries()) {
    if (tokens[at]?.text !== text) {
      if (text === "," && isClosing(wanted[place + 1])) continue;
      if (tokens[at]?.text === "," && isClosing(text)) at++;
      if (tokens[at]?.text !== text) return undefined;
    }
    at++;
  }
  const last = tokens[at - 1];
  return last === undefined ? undefined : last.start + last.text.length;
}

function isClosing(text: string | undefined): boolean {
  return text === ")" || text === "]" || text === "}";
}
