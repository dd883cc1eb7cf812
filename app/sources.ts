import { readdirSync, readFileSync } from "node:fs";

/** A handler of a page, as it stands in the source. */
export type Handler = { file: string; method: string; path: string; code: string };

const folder = new URL("routes/", import.meta.url);

/** The sources of the pages, by their path in the repository. Nothing else can be read through this site. */
export const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [`app/routes/${name}`, readFileSync(new URL(name, folder), "utf8")]),
);

const handlers = [...sources].flatMap(([file, text]) => handlersIn(file, text));

/** The handlers of an address, cut out of the sources that are running, so that they can't go out of date. */
export function handlersOf(path: string): Handler[] {
  return handlers.filter((handler) => handler.path === path);
}

/** The sources are formatted: a statement goes on until a line with the same indent ends with a semicolon. */
function handlersIn(file: string, text: string): Handler[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    const indent = /^( +)app\.(?:get|post)\(/.exec(line)?.[1];
    if (indent === undefined) return [];
    const isEnd = new RegExp(`^${indent}\\S.*;$`);
    const length = lines.slice(start).findIndex((one) => isEnd.test(one)) + 1;
    const code = lines
      .slice(start, start + length)
      .map((one) => one.slice(indent.length))
      .join("\n");
    const [, method = "", path = ""] = /^app\.(\w+)\(\s*"([^"]+)"/.exec(code) ?? [];
    return [{ file, method: method.toUpperCase(), path, code }];
  });
}
