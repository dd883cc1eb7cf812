import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

/** A name, and the module that declares it: its path without ending, `core/ticket`, or another package. */
export interface Origin {
  readonly module: string;
  readonly name: string;
}

/** A statement of tsc's that declares a name; a function has one for each overload. */
export interface Declaration {
  readonly comment: string;
  /** Without `export`. */
  readonly text: string;
}

/** What the declaration file of a module says. */
export interface Module {
  readonly declared: Map<string, Declaration[]>;
  readonly imported: Map<string, Origin>;
  readonly exported: Map<string, Origin & { readonly typeOnly: boolean }>;
}

const comments = /^[ \t]*\/\*\*[^]*?\*\/\n/gm;
/** The comment right before a statement, and the statement, which lasts until the next or the end. */
const statements =
  /^((?:\/\*\*.*\n(?: \*.*\n)*)?)((?:import|export|declare|interface|type)\b[^]*?\n)(?=(?:\/\*\*.*\n(?: \*.*\n)*)*(?:(?:import|export|declare|interface|type)\b|$(?![^])))/gm;
const fromElsewhere = /^(import|export) (type )?(?:\{\s+([^}]*?),?\s+\}|(\* as [\w$]+))(?: from "(.+)")?;\n$/;
const declaring = /^(?:declare )?(?:abstract )?(?:class|interface|type|function|const) ([\w$]+)/;

export function withoutComments(text: string): string {
  return text.replace(comments, "");
}

/** Reads the files that tsc wrote, and throws where one has a kind of statement that is not known here. */
export function readDeclared(folder: string): ReadonlyMap<string, Module> {
  const modules = new Map<string, Module>();
  for (const found of globSync("**/*.d.ts", { cwd: folder })) {
    const path = found.replaceAll("\\", "/").replace(/\.d\.ts$/, "");
    modules.set(path, parse(path, readFileSync(join(folder, found), "utf8")));
  }
  return modules;
}

function parse(path: string, source: string): Module {
  const module: Module = { declared: new Map(), imported: new Map(), exported: new Map() };
  for (const [, comment = "", code = ""] of source.matchAll(statements)) {
    const [passing, way, typeOnly, list, all, from] = fromElsewhere.exec(code) ?? [];
    const text = code.replace(/^export (?!\{)/, "");
    const own = declaring.exec(text)?.[1];
    if (passing !== undefined) {
      const target = from?.startsWith(".") ? join(dirname(path), from).replace(/\.ts$/, "") : (from ?? path);
      for (const item of (list ?? all ?? "").split(/,\s+/)) {
        const [name = "", alias = name] = item.split(" as ");
        const origin = { module: target, name };
        if (way === "import") module.imported.set(alias, origin);
        else module.exported.set(alias, { ...origin, typeOnly: typeOnly !== undefined });
      }
    } else if (own !== undefined) {
      module.declared.set(own, [...(module.declared.get(own) ?? []), { comment, text }]);
      if (text !== code) module.exported.set(own, { module: path, name: own, typeOnly: false });
    } else if (code !== "export {};\n") throw new Error(`${path}.d.ts has an unknown statement: ${code}`);
  }
  const rest = withoutComments(source.replace(statements, "")).trim();
  if (rest !== "") throw new Error(`${path}.d.ts has something unknown: ${rest}`);
  return module;
}

/** Where a name is declared that a module has, or passes on. */
export function originOf(modules: ReadonlyMap<string, Module>, { module, name }: Origin): Origin {
  const found = modules.get(module);
  if (found === undefined || found.declared.has(name)) return { module, name };
  const next = found.imported.get(name) ?? found.exported.get(name);
  if (next === undefined) throw new Error(`${module}.d.ts has no ${name}.`);
  return originOf(modules, next);
}

/** The names in a text of a module that are declared at the top of some module, each by what it is called there. */
export function mentions(
  modules: ReadonlyMap<string, Module>,
  module: string,
  text: string,
): [string, Origin][] {
  const names = new Set(withoutComments(text).match(/[\w$]+/g));
  return Array.from(names, (name): [string, Origin] => [name, { module, name }])
    .filter(([name]) => modules.get(module)?.declared.has(name) || modules.get(module)?.imported.has(name))
    .map(([name, origin]) => [name, originOf(modules, origin)]);
}
