import type { Report } from "./clause.ts";

/** The table of what ran where, in Markdown: a line for each runtime, the number of clauses that held in each column. */
export function tableOf(reports: ReadonlyMap<string, Report>): string {
  const parts = [...new Set([...reports.values()].flatMap(({ held }) => Object.keys(held)))];
  const lines = Array.from(reports, ([name, { version, held, faults }]) => [
    name,
    version,
    ...parts.map((part) => String(held[part] ?? 0)),
    String(faults.length),
  ]);
  const head = ["runtime", "version", ...parts, "failed"];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, at) => (at < 2 ? "---" : "---:"));
  return [head, rule, ...lines].map(row).join("\n");
}
