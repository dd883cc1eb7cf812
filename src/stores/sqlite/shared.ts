import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { builtInSqlite } from "./built-in.ts";
import { openDatabase } from "./database.ts";

/** What a store holds of a database that others in this process may use, too. */
export interface HeldDatabase {
  readonly database: DatabaseSync;
  /** Closes the database when nobody else holds it. */
  release(): void;
}

interface Shared {
  readonly database: DatabaseSync;
  holders: number;
}

/**
 * On `globalThis` and not in this module: a development server that loads modules anew may load this one anew,
 * too, and what the one before has open must be found. The number changes with the shape.
 */
const place = Symbol.for("coatcheck.sqlite.1");

function sharedDatabases(): Map<string, Shared> {
  const holder: object & { [place]?: Map<string, Shared> } = globalThis;
  return (holder[place] ??= new Map());
}

/**
 * Opens a database, or takes the one that this process has open: a hub that is made again, as in development after
 * every edit, opens no more files. A file is known by what it is, not by its name: one that was deleted and made
 * again is another.
 */
export function holdDatabase(path: string, durability: "normal" | "full"): HeldDatabase {
  const sqlite = builtInSqlite();
  if (path === ":memory:") {
    const database = openDatabase(sqlite, path, durability);
    return { database, release: () => database.close() };
  }
  const known = sharedDatabases();
  // Looked at by its name: to open and close the file once more would take SQLite's locks from it (POSIX fcntl).
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

/** What names a file on this machine; `undefined` where there is none. */
function keyOf(path: string, durability: string): string | undefined {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}:${durability}`;
}
