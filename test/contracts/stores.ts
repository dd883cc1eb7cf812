import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";

/** A store under test: from a folder for its files, a way to open doors to the same records. */
export interface StoreUnderTest {
  readonly name: string;
  readonly open: (folder: string) => () => Store;
}

export const stores: readonly StoreUnderTest[] = [
  {
    name: "memory",
    open() {
      const store = memoryStore();
      return () => store;
    },
  },
  { name: "sqlite", open: (folder) => () => sqliteStore({ path: join(folder, "sessions.db") }) },
];

/** A folder that is gone when the test ends. */
export function temporaryFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
