import { dirname, relative } from "node:path/posix";
import { mentions, originOf, readDeclared, withoutComments } from "./declared.ts";
import type { Declaration, Module, Origin } from "./declared.ts";

/** What one file of the package brings in, declares, and passes on. */
interface RolledUp {
  readonly imports: Map<string, Set<string>>;
  readonly texts: Map<string, string>;
  readonly exports: Map<string, Set<string>>;
}

const constructors = /(?:^ {4}\/\*\*(?:(?!\*\/)[^])*\*\/\n)?^ {4}constructor\([^]*?\);\n/gm;

/**
 * Rolls the declarations that tsc wrote up into a file for each entry point, and `core.d.ts` for what they
 * share and none of them offers. In them is what the entry points lead to and nothing else, with comments
 * where users see the name.
 *
 * @param folder tsc's files.
 * @param entries the entry points: `adapters/koa`. What several offer is declared in the first.
 * @returns the text of each file.
 */
export function declarations(folder: string, entries: readonly string[]): Record<string, string> {
  const modules = readDeclared(folder);
  const files = new Map<string, RolledUp>();
  for (const file of [...entries, "core"]) {
    files.set(file, { imports: new Map(), texts: new Map(), exports: new Map() });
  }
  const offered = entries.flatMap((entry) =>
    Array.from(modules.get(entry)?.exported ?? [], ([name, { typeOnly, ...exported }]) => {
      return { entry, name, typeOnly, origin: originOf(modules, exported) };
    }),
  );
  const offers = new Map(offered.toReversed().map((offer) => [keyOf(offer.origin), offer]));
  const seen = new Set<Declaration>();
  const constructible = new Set<Declaration>();
  for (const { origin, typeOnly } of offered) {
    addWithParents(modules, origin, seen);
    if (!typeOnly) addWithParents(modules, origin, constructible);
  }

  const homeOf = (origin: Origin): string => {
    if (!modules.has(origin.module)) return origin.module;
    return offers.get(keyOf(origin))?.entry ?? homeAmong(entries, origin.module);
  };
  const take = (origin: Origin): void => {
    const home = homeOf(origin);
    const file = files.get(home);
    if (file === undefined || file.texts.has(keyOf(origin))) return;
    const offer = offers.get(keyOf(origin));
    const isOffered = offer !== undefined || home === "core";
    const text = declared(modules, origin).map((declaration) => {
      const kept = constructible.has(declaration)
        ? declaration.text
        : declaration.text.replace(constructors, "");
      // A class that is offered as a type alone is exported at the end.
      const isExported = isOffered && !(offer?.typeOnly === true && isValue(declaration));
      const whole = isExported ? `export ${kept.replace(/^declare /, "")}` : kept;
      return seen.has(declaration) ? declaration.comment + whole : withoutComments(whole);
    });
    file.texts.set(keyOf(origin), text.join(""));
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
    const isPassedOn = homeOf(origin) !== entry || (typeOnly && declared(modules, origin).some(isValue));
    if (file && isPassedOn) add(file.exports, homeOf(origin), typeOnly ? `type ${name}` : name);
  }
  return Object.fromEntries(Array.from(files.keys(), (name) => [`${name}.d.ts`, written(files, name)]));
}

function keyOf({ module, name }: Origin): string {
  return `${module} ${name}`;
}

function isValue({ text }: Declaration): boolean {
  return text.startsWith("declare ");
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

function written(files: ReadonlyMap<string, RolledUp>, name: string): string {
  const { imports = new Map(), texts = new Map(), exports = new Map() } = files.get(name) ?? {};
  const names = Array.from(texts.keys(), (key) => key.replace(/.* /, ""));
  const twice = names.find((own, at) => names.indexOf(own) !== at);
  if (twice !== undefined) throw new Error(`${name}.d.ts would declare ${twice} twice.`);
  const path = (file: string): string =>
    files.has(file) ? `${relative(dirname(name), file).replace(/^(?!\.)/, "./")}.js` : file;
  const listed = (word: string, from: string, items: Iterable<string>): string => {
    const list = [...items].toSorted().join(", ");
    return from === name ? `${word} { ${list} };\n` : `${word} { ${list} } from "${path(from)}";\n`;
  };
  const body = [...texts.values()].join("");
  const passedOn = Array.from(exports, ([from, items]) => listed("export", from, items));
  // Without an `export` that stands alone, declarations that have none would be exported, too.
  if (passedOn.length === 0 && /^(?:declare|interface|type) /m.test(body)) passedOn.push("export {};\n");
  return [
    ...Array.from(imports, ([from, items]) => listed("import", from, items)),
    flowing(body),
    ...passedOn,
  ]
    .join("")
    .replace(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4));
}

/** Comments with each paragraph on one line; editors wrap it as wide as they are. */
function flowing(text: string): string {
  return text.replace(/(?<!\*)\n *\* +(?=[^-@\s])/g, " ").replace(/\/\*\*\n *\* (.*)\n *\*\//g, "/** $1 */");
}
