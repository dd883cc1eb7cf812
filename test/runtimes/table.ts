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
  return drawn([head, head.map((_, at) => (at < 2 ? "---" : "---:")), ...lines]);
}

/** The table of what a reader may count on; it changes only when that does, and not with every new clause. */
export function promiseOf(reports: ReadonlyMap<string, Report>): string {
  const parts = [...new Set([...reports.values()].flatMap(({ held }) => Object.keys(held)))];
  const lines = Array.from(reports, ([name, { version, held, lacks }]) => [
    name,
    version,
    ...parts.map((part) => (lacks.includes(part) ? "no, and says so" : (held[part] ?? 0) > 0 ? "yes" : "no")),
  ]);
  const head = ["runtime", "tested", ...parts];
  return drawn([head, head.map(() => "---"), ...lines]);
}

/** The same for the adapters: a line for each runtime, a column for each app of test/contracts/apps.ts. */
export function adaptersOf(reports: ReadonlyMap<string, Report>): string {
  const apps = [...new Set([...reports.values()].flatMap(({ held }) => Object.keys(held)))];
  const lines = Array.from(reports, ([name, { held, lacks }]) => [
    name,
    ...apps.map((app) => (lacks.includes(app) || (held[app] ?? 0) === 0 ? "no" : "yes")),
  ]);
  const head = ["runtime", ...apps];
  return drawn([head, head.map(() => "---"), ...lines]);
}

function drawn(rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return rows.map(row).join("\n");
}
