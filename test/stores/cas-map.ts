import type { CasRow, CasStoreOptions } from "coatcheck/store";

/** A table in memory whose functions take turns, as those of a database do: nothing that is awaited is atomic. */
export function mapTable(rows: Map<string, CasRow> = new Map<string, CasRow>()): CasStoreOptions {
  const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    name: "map",
    async insert(row) {
      await turn();
      if (rows.has(row.id)) return false;
      rows.set(row.id, row);
      return true;
    },
    async get(id) {
      await turn();
      return rows.get(id);
    },
    async replaceIf(row, revision) {
      await turn();
      if (rows.get(row.id)?.revision !== revision) return false;
      rows.set(row.id, row);
      return true;
    },
    async bySubject(subject) {
      await turn();
      return [...rows.values()].filter((row) => row.subject === subject);
    },
    async sweep(now, limit) {
      await turn();
      const expired = [...rows.values()].filter((row) => row.expiresAt <= now).slice(0, limit);
      for (const { id } of expired) rows.delete(id);
      return expired.length;
    },
  };
}
