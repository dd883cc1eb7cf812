/** The examples of a page that belong together, as one module. */
export interface Example {
  /** `docs/flash.md:14`: the page, and the line where the first block's code begins. */
  readonly where: string;
  /** Line for line where it stands in the page, so that a fault's line is the page's line. */
  readonly code: string;
}

interface Block {
  readonly words: ReadonlySet<string>;
  /** The line of the fence, from 0. */
  readonly line: number;
  readonly lines: readonly string[];
}

/** What may stand after `ts` in a fence. */
const fenceWords = new Set(["continued", "handler"]);

/**
 * The examples of a page: every block whose fence says `ts`, also in an HTML comment.
 *
 * - `ts` is a module of its own.
 * - `ts handler` is the inside of a handler: `session`, `sessions`, `cookies` and `request` are there.
 * - `continued` after either of them goes on where the block before it ended.
 *
 * A block of a page about a framework that begins with a file's name (`// server.ts`) is a part of that file, and held to
 * it by test/frameworks/pages.test.ts.
 *
 * In all of them, `expression; // => value` says what it is, and `call; // throws CODE` that it throws.
 */
export function examplesOf(page: string, text: string, given: string): Example[] {
  const groups: Block[][] = [];
  for (const block of blocksOf(page, text)) {
    const before = groups.at(-1);
    if (!block.words.has("continued")) groups.push([block]);
    else if (before !== undefined) before.push(block);
    else throw new Error(`${page}:${block.line + 1} continues nothing`);
  }
  return groups.map((blocks) => exampleOf(page, blocks, given));
}

function blocksOf(page: string, text: string): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^\s*(`{3,})([^`]*)$/.exec(lines[at] ?? "");
    if (fence === null) continue;
    const [, ticks = "", info = ""] = fence;
    const end = lines.findIndex((line, other) => other > at && line.trim() === ticks);
    if (end === -1) throw new Error(`${page}:${at + 1} is a block without an end`);
    const [language, ...words] = info.trim().split(/\s+/);
    const unknown = words.find((word) => !fenceWords.has(word));
    if (language === "ts" && unknown !== undefined) {
      throw new Error(`${page}:${at + 1} says "${unknown}", which means nothing`);
    }
    const isExcerpt = page.startsWith("docs/frameworks/") && /^\/\/ \S+\.\w+$/.test(lines[at + 1] ?? "");
    if (language === "ts" && !isExcerpt)
      blocks.push({ words: new Set(words), line: at, lines: lines.slice(at + 1, end) });
    at = end;
  }
  return blocks;
}

function exampleOf(page: string, blocks: readonly Block[], given: string): Example {
  const isHandler = blocks[0]?.words.has("handler") ?? false;
  // The first line of a page is its title, so there is room for this.
  const lines = [
    `import { check as $check, fails as $fails${isHandler ? ", handler as $handler" : ""} } from ${JSON.stringify(given)};` +
      (isHandler
        ? " await $handler(async ({ session, sessions, cookies, request }): Promise<Response | void> => {"
        : ""),
  ];
  for (const block of blocks) {
    while (lines.length <= block.line) lines.push("");
    block.lines.forEach((line, at) => lines.push(checked(line, `${page}:${block.line + 2 + at}`)));
  }
  lines.push(isHandler ? "});" : "export {};", "void $check; void $fails;");
  return { where: `${page}:${(blocks[0]?.line ?? 0) + 2}`, code: `${lines.join("\n")}\n` };
}

/** A line with its promise kept: still one line. */
function checked(line: string, where: string): string {
  const promise = /^(\s*)(.*?);?\s*\/\/ (=>|throws) (.+)$/.exec(line);
  if (promise === null) return line;
  const [, indent = "", code = "", kind, value = ""] = promise;
  if (code === "") throw new Error(`${where} promises something of nothing`);
  const at = JSON.stringify(where);
  if (kind === "throws")
    return `${indent}await $fails(async () => { ${code}; }, ${JSON.stringify(value)}, ${at});`;
  const name = /^(?:export )?(?:const|let) (\w+)(?::[^=]+)? = /.exec(code)?.[1];
  return name === undefined
    ? `${indent}$check(${code}, ${value}, ${at});`
    : `${indent}${code}; $check(${name}, ${value}, ${at});`;
}
