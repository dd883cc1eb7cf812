import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { packPackage } from "../scripts/pack.ts";

const root = dirname(import.meta.dirname);
const peers = join(import.meta.dirname, "peers");

/** The size of a package with its dependencies. */
export interface Size {
  readonly name: string;
  /** The arguments of `npm install`. */
  readonly installs: readonly string[];
  /** The number of packages, including dependencies, and their bytes on disk. */
  readonly packages: number;
  readonly bytes: number;
  /** Bytes of the archive that npm downloads, only of the package itself. */
  readonly packed: number;
}

/** The packages to install for sessions, for each peer. Frameworks and database clients are not counted. */
const installs: Readonly<Record<string, readonly string[]>> = {
  "express-session": ["express-session"],
  "express-session, connect-redis": ["express-session", "connect-redis"],
  "express-session, connect-pg-simple": ["express-session", "connect-pg-simple"],
  "cookie-session": ["cookie-session"],
  "@fastify/session": ["@fastify/session", "@fastify/cookie"],
  "@fastify/secure-session": ["@fastify/secure-session"],
  "koa-session": ["koa-session"],
  "hono-sessions": ["hono-sessions"],
  "@hono/session": ["@hono/session"],
  "iron-session": ["iron-session"],
};

/** Not part of any session library, although some have them as dependencies. */
const notCounted = new Set(["pg", "redis", "hono"]);

export async function measureSizes(): Promise<Size[]> {
  return [await ours(), ...Object.entries(installs).map(([name, list]) => sizeOf(name, list))];
}

async function ours(): Promise<Size> {
  const { archive, close } = await packPackage();
  try {
    const packed = readFileSync(archive);
    const entries = entriesOf(gunzipSync(packed));
    return {
      name: "Coatcheck",
      installs: ["coatcheck"],
      packages: 1,
      bytes: entries.reduce((sum, { size }) => sum + size, 0),
      packed: packed.length,
    };
  } finally {
    close();
  }
}

function packedSize(source: string): number {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-size-"));
  try {
    const args = ["pack", source, "--ignore-scripts", "--silent", "--pack-destination", folder];
    execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    return statSync(join(folder, readdirSync(folder)[0] ?? "")).size;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The files of a tar archive, each with the blocks that it takes. */
function entriesOf(tar: Buffer): { readonly name: string; readonly size: number; readonly block: Buffer }[] {
  const entries = [];
  let at = 0;
  while (at + 512 <= tar.length && tar[at] !== 0) {
    const text = (from: number, length: number): string =>
      tar.toString("latin1", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    const end = at + 512 + Math.ceil(size / 512) * 512;
    entries.push({ name: text(0, 100), size, block: tar.subarray(at, end) });
    at = end;
  }
  return entries;
}

function sizeOf(name: string, list: readonly string[]): Size {
  const folders = new Set<string>();
  for (const installed of list) collect(installed, peers, folders);
  const last = list.at(-1) ?? "";
  const first = last === "connect-redis" || last === "connect-pg-simple" ? last : list[0];
  const packed = packedSize(join(peers, "node_modules", first ?? ""));
  const bytes = [...folders].reduce((sum, path) => sum + folderBytes(path), 0);
  return { name, installs: list, packages: folders.size, bytes, packed };
}

/** The folders of a package and of all its dependencies. */
function collect(name: string, from: string, folders: Set<string>): void {
  if (notCounted.has(name)) return;
  let folder = from;
  while (!existsSync(join(folder, "node_modules", name, "package.json"))) {
    if (folder === root) return;
    folder = dirname(folder);
  }
  const own = join(folder, "node_modules", name);
  if (folders.has(own)) return;
  folders.add(own);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(own, "package.json"), "utf8"),
  ) as Record<"dependencies" | "optionalDependencies", Record<string, string> | undefined>;
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    collect(dependency, own, folders);
  }
}

function folderBytes(folder: string): number {
  return globSync("**", {
    cwd: folder,
    withFileTypes: true,
    exclude: (entry) => entry.name === "node_modules",
  })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
