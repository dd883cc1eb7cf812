// `npm run reference` writes docs/reference/: a page for each entry point, from the declarations that tsc writes.

import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, posix } from "node:path";
import { compile, entryPoints } from "./build.ts";

const root = dirname(import.meta.dirname);

/** Texts by a path or a name. */
export type Texts = ReadonlyMap<string, string>;

interface Exported {
  readonly name: string;
  /** `class`, `const`, `function`, `interface` or `type`. */
  readonly kind: string;
  /** Several for an overloaded function. */
  readonly declarations: readonly { readonly comment: string; readonly code: string }[];
}

type Reference = ReadonlyMap<string, readonly Exported[]>;

/** The declarations of all modules of src, formatted like the sources. Paths are as in src, without an extension. */
export function readDeclarations(): Texts {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-reference-"));
  const formatter = join(root, "node_modules", "oxfmt", "bin", "oxfmt");
  try {
    compile(folder, "--emitDeclarationOnly");
    execFileSync(process.execPath, [formatter, "--config", ".oxfmtrc.json", folder], { cwd: root });
    const paths = globSync("**/*.d.ts", { cwd: folder }).map((path) => path.replaceAll("\\", "/"));
    return new Map(paths.map((path) => [path.slice(0, -5), readFileSync(join(folder, path), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** README, the guides and the examples, by path. The tests run the blocks of the former, and the latter. */
export function readGuides(): Texts {
  const paths = globSync(
    [
      "README.md",
      "docs/{,frameworks/}*.md",
      "examples/*.ts",
      "examples/*/{,src/,app/,server/}{,*/}*.{ts,tsx}",
    ],
    { cwd: root, exclude: ["**/node_modules", "**/dist", "**/.*"] },
  ).map((path) => path.replaceAll("\\", "/"));
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** All pages by path. Throws if an exported name has no declaration or no docstring, or mentions a type that
 * no entry point exports. */
export function referencePages(entries: Texts, modules: Texts, guides: Texts): Map<string, string> {
  const reference = new Map<string, readonly Exported[]>();
  const names = new Set(
    Array.from(entries.values(), (module) => [...exportsOf(module, modules).keys()]).flat(),
  );
  const declared = new Set(
    [...modules.values()].flatMap((text) =>
      Array.from(
        text.matchAll(/^(?:export )?(?:declare )?(?:class|interface|type) (\w+)/gm),
        ([, name = ""]) => name,
      ),
    ),
  );
  for (const [entry, module] of entries) {
    const exports = [...exportsOf(module, modules).values()];
    const faults = exports.flatMap(({ name, declarations }) => {
      if (declarations.length === 0) return `${entry}: ${name} has no declaration`;
      if (declarations.some(({ comment }) => comment === "")) return `${entry}: ${name} has no docstring`;
      return declarations
        .flatMap(({ code }) => typesIn(code))
        .filter((type) => declared.has(type) && !names.has(type))
        .map((type) => `${entry}: ${name} mentions ${type}, which no entry point exports`);
    });
    if (faults.length > 0) throw new Error(faults.join("\n"));
    reference.set(
      entry,
      exports.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
    );
  }
  const pages = new Map([["docs/reference/README.md", indexPage(reference)]]);
  for (const [entry, exports] of reference) {
    const sections = exports.map((exported) => section(exported, entry, reference, guides));
    pages.set(`docs/reference/${fileOf(entry)}`, `${[`# \`${entry}\``, made, ...sections].join("\n\n")}\n`);
  }
  return pages;
}

/** What a module declares or passes on. What begins in the first column of tsc's output is a declaration. */
function exportsOf(module: string, modules: Texts): Map<string, Exported> {
  const exports = new Map<string, Exported>();
  const imports = new Map<string, string>();
  let comment = "";
  for (const part of (modules.get(module) ?? "").split(
    /^(?=\/\*\*|export |import |type |interface |declare )/m,
  )) {
    const list = /^(import|export) (?:type )?\{([^}]*)\}(?: from "(.+)\.ts")?;/.exec(part);
    const declared = /^export (?:declare )?(?:abstract )?(class|const|function|interface|type) (\w+)/.exec(
      part,
    );
    if (list !== null) {
      const [, keyword, names = "", path] = list;
      for (const name of names.match(/\w+(?: as \w+)?/g) ?? []) {
        const from = path === undefined ? imports.get(name) : posix.join(posix.dirname(module), path);
        if (keyword === "import") imports.set(name, from ?? "");
        else
          exports.set(name, exportsOf(from ?? "", modules).get(name) ?? { name, kind: "", declarations: [] });
      }
    } else if (declared !== null) {
      const [, kind = "", name = ""] = declared;
      const code = part
        .trim()
        .replace(/^export (?:declare )?/, "")
        .replace("  #private;\n", "");
      const overloads = exports.get(name)?.declarations ?? [];
      exports.set(name, { name, kind, declarations: [...overloads, { comment, code }] });
    }
    comment = part.startsWith("/**") ? part : "";
  }
  return exports;
}

/** What programs use comes before the types. */
function order({ name, kind }: Exported): string {
  return `${kind === "interface" || kind === "type" ? 2 : 1} ${name.toLowerCase()}`;
}

const made = "<!-- Made by `npm run reference` from the docstrings in src/. Change them, not this page. -->";

function fileOf(entry: string): string {
  return `${basename(entry)}.md`;
}

/** Its heading says the kind, because `nextSessions` and `NextSessions` alone would have the same anchor. */
function linkTo({ name, kind }: Exported, entry: string): string {
  return `[\`${name}\`](${fileOf(entry)}#${name.toLowerCase()}-${kind})`;
}

function indexPage(reference: Reference): string {
  const rows = Array.from(reference, ([entry, exports]) => {
    const links = exports.map((exported) => linkTo(exported, entry)).join(", ");
    return `| [\`${entry}\`](${fileOf(entry)}) | ${links} |\n`;
  });
  const intro =
    "Every name that the package exports, by entry point: first what programs use, then the types.\n" +
    "The [guides](../../README.md#documentation) show how to use them.";
  return `# Reference: what does each entry point export?\n\n${made}\n\n${intro}\n\n| import from | names |\n|---|---|\n${rows.join("")}`;
}

function section(exported: Exported, entry: string, reference: Reference, guides: Texts): string {
  const { name, kind, declarations } = exported;
  const parts = declarations.map(
    ({ comment, code }) => `${prose(comment)}\n\n\`\`\`typescript\n${withoutLinks(code)}\n\`\`\``,
  );
  const types = declarations.flatMap(({ code }) => typesIn(code)).filter((type) => type !== name);
  const links = [...new Set(types.toSorted())].flatMap((type) => {
    const home = [entry, ...reference.keys()].find((other) =>
      reference.get(other)?.some((e) => e.name === type),
    );
    const found = reference.get(home ?? "")?.find((other) => other.name === type);
    return home === undefined || found === undefined ? [] : linkTo(found, home);
  });
  if (links.length > 0) parts.push(`Types: ${links.join(", ")}`);
  const { by, examples } = examplesOf(exported, entry, reference, guides);
  if (examples.length > 0) {
    const use = by === exported ? "" : ` (with \`${by.name}\`)`;
    parts.push(`Examples${use}: ${examples.slice(0, 5).join(", ")}`);
  }
  const { mentions } = guidesOf(name, entry, guides);
  if (by !== exported && mentions.length > 0) parts.push(`Guides: ${mentions.join(", ")}`);
  return [`## \`${name}\` (${kind})`, ...parts].join("\n\n");
}

/** The examples of a name; for a type that none imports, those of the nearest name whose signature has it. */
function examplesOf(
  exported: Exported,
  entry: string,
  reference: Reference,
  guides: Texts,
): { readonly by: Exported; readonly examples: readonly string[] } {
  const seen = new Map([[exported, entry]]);
  for (const [by, home] of seen) {
    const { examples } = guidesOf(by.name, home, guides);
    if (examples.length > 0) return { by, examples };
    if (by.kind !== "interface" && by.kind !== "type" && by.kind !== "class") continue;
    for (const [other, exports] of [[home, reference.get(home) ?? []] as const, ...reference]) {
      for (const user of exports)
        if (user.declarations.some(({ code }) => typesIn(code).includes(by.name)) && !seen.has(user))
          seen.set(user, other);
    }
  }
  return { by: exported, examples: [] };
}

/** The names of types in code, without those of its type parameters. */
function typesIn(code: string): string[] {
  return code.replaceAll(/\/\*\*[^]*?\*\/|"[^"]*"|\w+(?= extends)/g, "").match(/\b[A-Z]\w+/g) ?? [];
}

/** Links to the guides and examples with code that imports a name, and to the guides that only mention it. */
export function guidesOf(
  name: string,
  entry: string,
  guides: Texts,
): { examples: string[]; mentions: string[] } {
  const examples: string[] = [];
  const mentions: string[] = [];
  const imported = new RegExp(`^(?:import|export) [^;]*\\b${name}\\b[^;]*\\} from "${entry}";`, "m");
  for (const [path, text] of guides) {
    const title = path.endsWith(".md") ? /^# ([^:\n]+)/.exec(text)?.[1] : path;
    const link = `[${title}](${posix.relative("docs/reference", path)})`;
    const blocks = path.endsWith(".md")
      ? (text.match(/^```(?:ts|tsx|typescript)\b[^]*?^```/gm) ?? [])
      : [text];
    if (blocks.some((block) => imported.test(block))) examples.push(link);
    else if (new RegExp(`\`[^\`\\n]*\\b${name}\\b[^\`\\n]*\``).test(text)) mentions.push(link);
  }
  return { examples, mentions };
}

function withoutLinks(text: string): string {
  return text.replaceAll(/\{@link (\w+)\}/g, "`$1`");
}

/** A docstring as Markdown. */
function prose(comment: string): string {
  const text = withoutLinks(comment)
    .replaceAll(/^\/\*\* ?|\s*\*\/\s*$|^ \* ?/gm, "")
    .trim();
  const [summary = "", ...tags] = text.split(/\s*@(?=(?:param|returns|throws)\s)/);
  const items = tags.map((tag) => {
    const item = tag.replace(/^param (\w+) /, "`$1`: ").replace(/^[rt]/, (letter) => letter.toUpperCase());
    return `- ${item.replaceAll(/\n\s*/g, "\n  ")}`;
  });
  return [summary, items.join("\n")].filter((part) => part !== "").join("\n\n");
}

if (process.argv.includes("--write")) {
  const pages = referencePages(entryPoints(), readDeclarations(), readGuides());
  rmSync(join(root, "docs", "reference"), { recursive: true, force: true });
  mkdirSync(join(root, "docs", "reference"));
  for (const [path, text] of pages) writeFileSync(join(root, path), text);
}
