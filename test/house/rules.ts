import { importsOf, withoutComments } from "./imports.ts";
import type { Files } from "./imports.ts";

/** One rule of the house: what it says, and where the files given break it. */
export interface Rule {
  readonly name: string;
  /** One line for each fault, beginning with the file's path. */
  faults(files: Files): string[];
}

/** The longest a file of src may be. */
export const maxLines = 350;

/** Adapters that are a layer over another one, and a store that shares the parts of another one. */
const over: Readonly<Record<string, string>> = {
  "src/adapters/express-session.ts": "src/adapters/node.ts",
  "src/adapters/express.ts": "src/adapters/node.ts",
  "src/adapters/koa.ts": "src/adapters/node.ts",
  "src/adapters/nest.ts": "src/adapters/node.ts",
  "src/stores/upstash.ts": "src/stores/redis/",
};

/**
 * What each room of src may import from other rooms. A room is a folder, or a file that stands beside the folders;
 * `docs/decisions/085-rooms.md` says why.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  runtime: ["errors"],
  http: ["runtime", "errors"],
  crypto: ["runtime", "errors"],
  record: ["runtime", "errors"],
  cookies: ["crypto", "runtime", "errors"],
  services: ["record", "cookies", "crypto", "http", "runtime", "errors"],
  session: ["services", "record", "crypto", "http", "runtime", "errors"],
  exchange: ["session", "services", "cookies", "http", "runtime", "errors"],
  options: ["services", "record", "cookies", "crypto", "http", "runtime", "errors"],
  sessions: ["options", "exchange", "session", "services", "cookies", "crypto", "http", "runtime", "errors"],
  adopt: ["session", "services", "record", "cookies", "crypto", "http", "runtime", "errors"],
  node: ["exchange", "http", "runtime", "errors"],
  stores: ["record", "runtime", "errors"],
  adapters: ["sessions", "node", "exchange", "session", "cookies", "http", "runtime", "errors"],
  testing: ["sessions", "session", "record", "crypto", "runtime", "errors"],
};

/** The files that users import: they pass on what other rooms export. */
const doors = new Set(["index", "adapter", "store"]);

/** Parts whose files are siblings, each complete in itself. */
const siblings = new Set(["stores", "adapters"]);

export const rules: readonly Rule[] = [
  {
    name: "src has the rooms that are named here, and no other",
    faults: (files) =>
      paths(files, "src/")
        .filter((path) => !Object.hasOwn(mayImport, roomOf(path)) && !doors.has(roomOf(path)))
        .map((path) => `${path}: "${roomOf(path)}" is not a room of src`),
  },
  {
    name: "a room of src imports only from the rooms below it",
    faults: (files) =>
      eachImport(files, "src/", (path, { specifier, target }) => {
        if (target === undefined) return undefined;
        if (!target.startsWith("src/")) return `imports ${specifier}, which is outside src`;
        const [own, other] = [roomOf(path), roomOf(target)];
        if (own === other || mayImport[own]?.includes(other)) return undefined;
        if (doors.has(own) && Object.hasOwn(mayImport, other)) return undefined;
        return `imports ${specifier}: ${own} may not know ${other}`;
      }),
  },
  {
    name: "no files of src or app import each other in a circle, types included",
    faults: (files) => ["src/", "app/"].flatMap((part) => circlesIn(files, part)),
  },
  {
    name: "stores and adapters never import their siblings, except express, express-session, koa and nest on node, and upstash the parts of redis",
    faults: (files) =>
      eachImport(files, "src/", (path, { specifier, target }) => {
        if (target === undefined || !siblings.has(roomOf(path)) || roomOf(path) !== roomOf(target)) {
          return undefined;
        }
        const base = over[path];
        const isBase =
          base !== undefined && (base === target || (base.endsWith("/") && target.startsWith(base)));
        const own = isBase || isPartOfSame(path, target);
        return own ? undefined : `imports its sibling ${specifier}`;
      }),
  },
  {
    name: "src imports nothing but Node itself, and the types of a framework in its own adapter",
    faults: (files) =>
      eachImport(files, "src/", (path, { specifier, target }) => {
        if (target !== undefined || specifier.startsWith("node:")) return undefined;
        const framework = /^src\/adapters\/(\w+)\.ts$/.exec(path)?.[1];
        if (framework !== undefined && specifier.split("/")[0] === framework) {
          return typesOnly(files.get(path) ?? "", specifier)
            ? undefined
            : `imports more than types of ${specifier}`;
        }
        return `imports the package ${specifier}`;
      }),
  },
  {
    name: "app imports the package by its own name only, as a user would",
    faults: (files) =>
      eachImport(files, "app/", (_path, { specifier, target }) => {
        if (target === undefined || target.startsWith("app/")) return undefined;
        return target === "package.json" ? undefined : `imports ${specifier}, which is outside app`;
      }),
  },
  {
    name: "nothing but tests and benchmarks imports from test",
    faults: (files) =>
      ["src/", "app/", "scripts/"].flatMap((part) =>
        eachImport(files, part, (_path, { specifier, target }) =>
          target?.startsWith("test/") ? `imports ${specifier}` : undefined,
        ),
      ),
  },
  {
    name: "only unit tests, fuzzing and benchmarks import modules of src, and a unit test those that its room may know",
    faults: (files) =>
      ["app/", "examples/", "scripts/", "test/"].flatMap((part) =>
        eachImport(files, part, (path, { specifier, target }) => {
          if (target?.startsWith("src/") !== true || path.startsWith("test/fuzz/")) return undefined;
          if (!path.startsWith("test/unit/")) return `imports ${specifier}: use what the package exports`;
          const [own = "", other] = [path.split("/")[2], roomOf(target)];
          return own === other || mayImport[own]?.includes(other) === true
            ? undefined
            : `imports ${specifier}: a test of ${own} may not know ${other}`;
        }),
      ),
  },
  {
    name: "relative imports name the file, with its ending",
    faults: (files) =>
      eachImport(files, "", (_path, { specifier, target }) =>
        target === undefined || /\.(?:ts|mjs|json)$/.test(target) ? undefined : `imports ${specifier}`,
      ),
  },
  {
    name: "no default exports",
    faults: (files) =>
      eachMatch(files, "", /^\s*export\s+(?:default\b|\{[^}]*\bas\s+default\b)/m, "exports a default"),
  },
  {
    name: "no `export *`: names are exported one by one",
    faults: (files) =>
      eachMatch(files, "", /^\s*export\s*(?:type\s*)?\*/m, "exports everything of another file"),
  },
  {
    name: "no file or folder is called utils or helpers: a name says what is inside",
    faults: (files) =>
      paths(files, "")
        .filter((path) => /(?:^|[/._-])(?:utils?|helpers?)(?:[/._-]|$)/i.test(path))
        .map((path) => `${path}: says nothing about its contents`),
  },
  {
    name: `a file of src has at most ${maxLines} lines`,
    faults: (files) =>
      paths(files, "src/").flatMap((path) => {
        const lines = (files.get(path) ?? "").trimEnd().split("\n").length;
        return lines > maxLines ? [`${path}: has ${lines} lines; split it by subject`] : [];
      }),
  },
  {
    name: "src reads no environment but whether this is development: what it needs comes in as arguments",
    faults: (files) =>
      eachMatch(
        new Map([...files].filter(([path]) => path !== "src/services/development-warnings.ts")),
        "src/",
        /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*(?:=\s*process\b|from\s*["']node:process["'])/,
        "reads the environment",
      ),
  },
];

/** One line for each circle of imports, named by the first of its files. */
function circlesIn(files: Files, part: string): string[] {
  const imports = new Map(
    paths(files, part).map((path) => {
      const targets = importsOf(path, files.get(path) ?? "").map(({ target }) => target);
      return [path, targets.filter((target) => target !== undefined && files.has(target))] as const;
    }),
  );
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const [first = "", ...rest] = trail.slice(start);
      faults.push(`${first}: imports itself by way of ${rest.join(", ") || "nothing else"}`);
    }
    if (start !== -1 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target ?? "", [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return faults;
}

function roomOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/** Whether `target` lies in the folder of the store or adapter that `path` is, or is a part of: `src/stores/redis/` for redis. */
function isPartOfSame(path: string, target: string): boolean {
  const [part, kind, name = ""] = path.split("/");
  return target.startsWith(`${part}/${kind}/${name.replace(/\.ts$/, "")}/`);
}

function paths(files: Files, start: string): string[] {
  return [...files.keys()].filter((path) => path.startsWith(start));
}

function eachImport(
  files: Files,
  start: string,
  judge: (path: string, found: ReturnType<typeof importsOf>[number]) => string | undefined,
): string[] {
  return paths(files, start).flatMap((path) =>
    importsOf(path, files.get(path) ?? "").flatMap((found) => {
      const fault = judge(path, found);
      return fault === undefined ? [] : [`${path}: ${fault}`];
    }),
  );
}

function eachMatch(files: Files, start: string, pattern: RegExp, fault: string): string[] {
  return paths(files, start)
    .filter((path) => pattern.test(withoutComments(files.get(path) ?? "")))
    .map((path) => `${path}: ${fault}`);
}

/** Whether every import of a package in this text is an `import type`. */
function typesOnly(text: string, specifier: string): boolean {
  const statement = /^\s*(?:import|export)\s+type\b[^;"']*\bfrom\s*["']([^"']+)["']/gm;
  const types = [...withoutComments(text).matchAll(statement)].filter((match) => match[1] === specifier);
  const all = importsOf("", text).filter((found) => found.specifier === specifier);
  return types.length === all.length;
}
