import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { builtInSqlite } from "./built-in.ts";
import { openDatabase } from "./database.ts";
import type { HeldDatabase } from "./store.ts";

interface Shared {
  readonly database: DatabaseSync;
  holders: number;
}

/** On `globalThis`: a development server may reload this module. The number changes with the shape of the map. */
const place = Symbol.for("coatcheck.sqlite.1");

function sharedDatabases(): Map<string, Shared> {
  const holder: object & { [place]?: Map<string, Shared> } = globalThis;
  return (holder[place] ??= new Map());
}

/**
 * Opens a database, or shares the one that this process has open: development servers create `sessions` again after
 * every edit. A file that was deleted and created again is another one.
 */
export function holdDatabase(path: string, durability: "normal" | "full"): HeldDatabase {
  const sqlite = builtInSqlite();
  if (path === ":memory:") {
    const database = openDatabase(sqlite, path, durability);
    return { database, release: () => database.close() };
  }
  const known = sharedDatabases();
  // Uses `stat`: opening and closing the file again would release SQLite's locks on it (POSIX fcntl).
  const before = keyOf(path, durability);
  const found = before === undefined ? undefined : known.get(before);
  if (found !== undefined && before !== undefined) return hold(known, before, found);
  const opened = { database: openDatabase(sqlite, path, durability), holders: 0 };
  const key = keyOf(path, durability) ?? path;
  known.set(key, opened);
  return hold(known, key, opened);
}

function hold(known: Map<string, Shared>, key: string, shared: Shared): HeldDatabase {
  shared.holders++;
  return {
    database: shared.database,
    release() {
      shared.holders--;
      if (shared.holders > 0) return;
      known.delete(key);
      shared.database.close();
    },
  };
}

/** Identifies a file; `undefined` if there is none. */
function keyOf(path: string, durability: string): string | undefined {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}:${durability}`;
}
