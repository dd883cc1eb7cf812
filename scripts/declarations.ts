import { dirname, relative } from "node:path/posix";
import { mentions, originOf, readDeclared, withoutComments } from "./declared.ts";
import type { Declaration, Module, Origin } from "./declared.ts";

/** What one file of the package declares, brings in, and offers. */
interface RolledUp {
  readonly texts: Map<string, string>;
  readonly imports: Map<string, Set<string>>;
  readonly exports: Map<string, Set<string>>;
}

const constructors = /(?:^ {4}\/\*\*(?:(?!\*\/)[^])*\*\/\n)?^ {4}constructor\([^]*?\);\n/gm;

/**
 * Rolls the declarations that tsc wrote up into a file for each entry point, and `core.d.ts` for what they
 * share. In them is what the entry points lead to and nothing else, with comments where users see the name.
 *
 * @param folder tsc's files.
 * @param entries the entry points: `adapters/koa`.
 * @returns the text of each file.
 */
export function declarations(folder: string, entries: readonly string[]): Record<string, string> {
  const modules = readDeclared(folder);
  const files = new Map<string, RolledUp>();
  for (const file of [...entries, "core"]) {
    files.set(file, { texts: new Map(), imports: new Map(), exports: new Map() });
  }
  const offered = entries.flatMap((entry) =>
    Array.from(modules.get(entry)?.exported ?? [], ([name, { typeOnly, ...exported }]) => {
      return { entry, name, typeOnly, origin: originOf(modules, exported) };
    }),
  );
  const seen = new Set<Declaration>();
  const constructible = new Set<Declaration>();
  for (const { origin, typeOnly } of offered) {
    addWithParents(modules, origin, seen);
    if (!typeOnly) addWithParents(modules, origin, constructible);
  }

  const homeOf = ({ module }: Origin): string => (modules.has(module) ? homeAmong(entries, module) : module);
  const take = (origin: Origin): void => {
    const home = homeOf(origin);
    const file = files.get(home);
    const key = `${origin.module} ${origin.name}`;
    if (file === undefined || file.texts.has(key)) return;
    const text = declared(modules, origin).map((declaration) => {
      const kept = constructible.has(declaration)
        ? declaration.text
        : declaration.text.replace(constructors, "");
      return seen.has(declaration) ? declaration.comment + kept : withoutComments(kept);
    });
    file.texts.set(key, text.join(""));
    for (const [alias, mentioned] of mentions(modules, origin.module, text.join(""))) {
      take(mentioned);
      const item = alias === mentioned.name ? alias : `${mentioned.name} as ${alias}`;
      if (homeOf(mentioned) !== home) add(file.imports, homeOf(mentioned), item);
      else if (item !== alias) throw new Error(`In ${home}.d.ts, ${item} would need two names.`);
    }
  };
  for (const { entry, name, typeOnly, origin } of offered) {
    take(origin);
    const file = files.get(entry);
    if (name !== origin.name) throw new Error(`${entry}.d.ts would need two names for ${name}.`);
    if (file) add(file.exports, homeOf(origin), typeOnly ? `type ${name}` : name);
  }
  const core = files.get("core");
  for (const { imports, exports } of files.values()) {
    for (const name of [...(imports.get("core") ?? []), ...(exports.get("core") ?? [])]) {
      if (core) add(core.exports, "core", name.replace(/^type /, ""));
    }
  }
  return Object.fromEntries(Array.from(files, ([name, file]) => [`${name}.d.ts`, written(name, file)]));
}

/** The file that a module comes into. */
function homeAmong(entries: readonly string[], module: string): string {
  if (entries.includes(module)) return module;
  if (module.startsWith("core/") || module === "errors") return "core";
  const home = entries.find((entry) => module.startsWith(`${entry.replace(/\/index$/, "")}/`));
  if (home === undefined) throw new Error(`${module} belongs to no entry point.`);
  return home;
}

function declared(modules: ReadonlyMap<string, Module>, { module, name }: Origin): readonly Declaration[] {
  return modules.get(module)?.declared.get(name) ?? [];
}

/** Adds what is declared, and what stands at its head: the parents of a class or interface. */
function addWithParents(modules: ReadonlyMap<string, Module>, origin: Origin, into: Set<Declaration>): void {
  for (const declaration of declared(modules, origin)) {
    if (into.has(declaration)) continue;
    into.add(declaration);
    const head = /^(?:declare )?(?:abstract )?(?:class|interface) .*/.exec(declaration.text)?.[0] ?? "";
    for (const [, parent] of mentions(modules, origin.module, head)) addWithParents(modules, parent, into);
  }
}

function add(into: Map<string, Set<string>>, from: string, name: string): void {
  into.set(from, (into.get(from) ?? new Set()).add(name));
}

function written(name: string, { texts, imports, exports }: RolledUp): string {
  const names = Array.from(texts.keys(), (key) => key.replace(/.* /, ""));
  const twice = names.find((own, at) => names.indexOf(own) !== at);
  if (twice !== undefined) throw new Error(`${name}.d.ts would declare ${twice} twice.`);
  const path = (file: string): string => {
    if (!/^(?:core$|index$|\w+\/)/.test(file)) return file;
    return `${relative(dirname(name), file).replace(/^(?!\.)/, "./")}.js`;
  };
  const listed = (word: string, from: string, items: Iterable<string>): string => {
    const list = [...items].toSorted().join(", ");
    return from === name ? `${word} { ${list} };\n` : `${word} { ${list} } from "${path(from)}";\n`;
  };
  return [
    ...Array.from(imports, ([from, items]) => listed("import", from, items)),
    ...texts.values(),
    ...Array.from(exports, ([from, items]) => listed("export", from, items)),
  ]
    .join("")
    .replace(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4));
}
