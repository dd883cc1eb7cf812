// The table of adapters in docs/runtimes.md, from what the tests run. To write it anew:
// `node --conditions=coatcheck-source test/docs/adapters-table.ts --write`

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  exceptions,
  http2Exceptions,
  nextExceptions,
  nextReasons,
  runtimeExceptions,
} from "../contracts/exceptions.ts";
import type { AppName } from "../contracts/exceptions.ts";
import { nextOwnRuntime, nextRuntimes } from "../next/runtimes.ts";
import { root } from "./workshop.ts";

interface Adapter {
  readonly framework: string;
  /** The package that the tests install; its version is told. */
  readonly installed?: string;
  /** The name after `coatcheck/`. */
  readonly entry: string;
}

/** Every app of test/contracts/apps.ts: each is held to the adapter contract and to the races. */
const adapters: Readonly<Record<AppName, Adapter>> = {
  fetch: { framework: "any `fetch` server", entry: "fetch" },
  hono: { framework: "Hono", installed: "hono", entry: "hono" },
  node: { framework: "`node:http`, `node:http2`", entry: "node" },
  connect: { framework: "middleware like connect's", entry: "node" },
  express: { framework: "Express", installed: "express", entry: "express" },
  express4: { framework: "Express", installed: "express4", entry: "express" },
  koa: { framework: "Koa", installed: "koa", entry: "koa" },
  fastify: { framework: "Fastify", installed: "fastify", entry: "fastify" },
  h3: { framework: "h3", installed: "h3", entry: "h3" },
};

/** What the table follows from. */
export interface Sources {
  /** The package's devDependencies. */
  readonly versions: Readonly<Record<string, string>>;
  /** The version of Next.js in examples/next, which test/next builds. */
  readonly next: string;
  /** docs/runtimes.md, whose table is made by the runtimes' suite. */
  readonly runtimesPage: string;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The sources as they are in the repository. */
export function sources(): Sources {
  const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
  return {
    versions: manifest("package.json").devDependencies ?? {},
    next: manifest("examples/next/package.json").dependencies?.["next"] ?? "",
    runtimesPage: readFileSync(join(root, "docs/runtimes.md"), "utf8"),
  };
}

/** The table, and below it what does not hold and why. */
export function adaptersTable({ versions, next, runtimesPage }: Sources): string {
  const runtimes = runtimesOf(runtimesPage);
  if (runtimes.length === 0) throw new Error("docs/runtimes.md has no tables of runtimes");
  const notes: string[] = [];
  const cell = (holds: boolean, reasons: readonly string[]): string => {
    for (const reason of reasons) if (!notes.includes(reason)) notes.push(reason);
    const marks = reasons.map((reason) => ` (${notes.indexOf(reason) + 1})`).join("");
    return `${holds ? "yes" : "no"}${marks}`;
  };
  /** What the runtimes' suite found, with the reasons of what a runtime can't do. */
  const places = (app: AppName): string[] =>
    runtimes.map(({ name, holds }) => {
      const { clauses, missing } = runtimeExceptions[name] ?? {};
      const reasons = Object.entries(clauses?.[app] ?? {}).map(([clause, why]) => notSo(clause, why));
      const absence = missing?.[app];
      if (absence !== undefined) reasons.push(`${absence.why}.`);
      return cell(holds.has(app), reasons);
    });
  const rows = Object.entries(adapters).map(([name, { framework, installed, entry }]) => {
    const app = name as AppName;
    const version = installed === undefined ? "" : ` ${versionOf(versions[installed])}`;
    const lacks = Object.entries(exceptions[app] ?? {});
    const noHttp2 = http2Exceptions[app];
    return [
      framework + version,
      `\`coatcheck/${entry}\``,
      cell(
        true,
        lacks.map(([clause, why]) => notSo(clause, why)),
      ),
      cell(noHttp2 === undefined, noHttp2 === undefined ? [] : [`${noHttp2}.`]),
    ].concat(places(app));
  });
  const nextLacks = Object.entries(nextExceptions).map(([clause, why]) => notSo(clause, why));
  const nextCells = [cell(true, [nextReasons.contract, ...nextLacks]), cell(false, [nextReasons.http2])];
  const nextPlaces = runtimes.map(({ name }) => {
    if (name === nextOwnRuntime) return cell(true, []);
    const runs = nextRuntimes.some((runtime) => runtime.name === name);
    return cell(runs, [runs ? nextReasons.runtimes : nextReasons.workerd]);
  });
  rows.push([`Next.js ${next}`, "`coatcheck/next`", ...nextCells, ...nextPlaces]);

  const head = ["framework", "import", "contract", "HTTP/2", ...runtimes.map(({ name }) => name)];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [...lines, "", ...notes.map((note, at) => `${at + 1}. ${note}`)].join("\n");
}

function notSo(clause: string, why: string): string {
  return `Except “${clause}”: ${why}.`;
}

/** `npm:express@4.22.3` is an alias's version. */
function versionOf(range = ""): string {
  const version = /\d+\.\d+\.\d+$/.exec(range)?.[0];
  if (version === undefined) throw new Error(`package.json has no exact version in "${range}"`);
  return version;
}

interface RuntimeLine {
  readonly name: string;
  /** The apps that are held to the contract there; `fetch` to all that the suite has for it. */
  readonly holds: ReadonlySet<string>;
}

/** The lines of the tables that the runtimes' suite wrote: one for all but the adapters, one for those. */
function runtimesOf(page: string): RuntimeLine[] {
  const tables = page.match(/^<!-- made by `npm run runtimes[^]*?^<!-- end -->/gm) ?? [];
  const [suite = [], adapted = []] = tables.map(linesOf);
  return suite.map((line) => {
    const name = line.get("runtime") ?? "";
    const columns = [...(adapted.find((other) => other.get("runtime") === name) ?? [])];
    const holds = new Set(columns.filter(([, cell]) => cell === "yes").map(([app]) => app));
    if (!["core", "races", "fetch", "adapter"].every((part) => line.get(part) === "yes"))
      holds.delete("fetch");
    return { name, holds };
  });
}

/** A table's lines, each by its columns' names. */
function linesOf(table: string): ReadonlyMap<string, string>[] {
  const rows = Array.from(table.matchAll(/^\| (.+) \|$/gm), ([, row = ""]) => row.split(" | "));
  const [head = [], , ...lines] = rows;
  return lines.map((cells) => new Map(head.map((column, at) => [column, cells[at] ?? ""])));
}

const place =
  /(?<=<!-- made by `node --conditions=coatcheck-source test\/docs\/adapters-table.ts --write` -->\n)[^]*?(?=\n<!-- end -->)/;

/** The table that a page has; `undefined` where it has none. */
export function tableIn(page: string): string | undefined {
  return place.exec(page)?.[0];
}

/** The entries of the package that the table tells of. */
export const toldEntries: ReadonlySet<string> = new Set([
  "next",
  ...Object.values(adapters).map(({ entry }) => entry),
]);

if (import.meta.main && process.argv.includes("--write")) {
  const file = join(root, "docs/runtimes.md");
  const page = readFileSync(file, "utf8");
  writeFileSync(
    file,
    page.replace(place, () => adaptersTable(sources())),
  );
}
