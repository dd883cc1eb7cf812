import { readdirSync, readFileSync } from "node:fs";

/** Lines of the source: a function, or a handler of a page. */
export type Lines = { file: string; name: string; code: string };

/** A handler of a page. Its name is its method and its path. */
export type Handler = Lines & { method: string; path: string };

/** What several pages share that logs users in and reads their sessions. */
const SHARED = "app/profile.ts";

/** The sources of the pages, by their path in the repository. Nothing else can be read through this site. */
export const sources: ReadonlyMap<string, string> = new Map(
  [
    ...readdirSync(new URL("routes/", import.meta.url))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `app/routes/${name}`),
    SHARED,
  ].map((file) => [file, readFileSync(new URL(`../${file}`, import.meta.url), "utf8")]),
);

const handlers = [...sources].flatMap(([file, text]) => handlersIn(file, text));
const functions = [...sources].flatMap(([file, text]) => functionsIn(file, text));

/** The handlers of an address, cut out of the sources that are running, so that they can't go out of date. */
export function handlersOf(path: string): Handler[] {
  return handlers.filter((handler) => handler.path === path);
}

/** The functions that these lines call, as far as they use the library. */
export function calledBy({ file, code }: Lines): Lines[] {
  return functions.filter(
    (called) =>
      (called.file === file || called.file === SHARED) && new RegExp(`\\b${called.name}\\(`).test(code),
  );
}

/** Whether a line uses the library, and is no comment. */
export function usesLibrary(line: string): boolean {
  return /^(?! *(?:#|\/\/)).*(?:\b(?:sessions?|cookies|signed|sealed|flash|revoke(?:All)?)\b *[.[(]|\btell\()/.test(
    line,
  );
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
    return [{ file, name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, code }];
  });
}

/** The functions beside the handlers, those that only build pages apart. */
function functionsIn(file: string, text: string): Lines[] {
  return [...text.matchAll(/^(?:export )?(?:async )?function (\w+)\([^]*?^}$/gm)]
    .map(([code, name = ""]) => ({ file, name, code }))
    .filter(({ name, code }) => !name.endsWith("Routes") && code.split("\n").some(usesLibrary));
}
