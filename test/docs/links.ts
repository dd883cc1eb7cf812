import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { anchorOf } from "../../scripts/docs/markdown.ts";

/** A page without its blocks and spans of code, which hold no links. */
function prose(text: string): string {
  return text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "").replaceAll(/`[^`\n]*`/g, "``");
}

/** The anchors of a page's headings. */
function anchors(text: string): Set<string> {
  const headings = text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(Array.from(headings, ([, heading = ""]) => anchorOf(heading)));
}

/** A link of a page. */
export interface Link {
  readonly page: string;
  readonly target: string;
}

/** The links and pictures of a page. */
export function linksOf(page: string, text: string): Link[] {
  return Array.from(prose(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => ({ page, target }));
}

/**
 * What is wrong with a link, or `undefined`.
 *
 * @param known the pages, by path from the folder.
 */
export function faultOf(
  { page, target }: Link,
  known: ReadonlyMap<string, string>,
  folder: string,
): string | undefined {
  if (target.startsWith("https://")) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(dirname(page), path).replaceAll("\\", "/");
  if (!known.has(file) && !existsSync(join(folder, file)))
    return `${page} links to ${target}, which is not there`;
  if (anchor === undefined) return undefined;
  return anchors(known.get(file) ?? "").has(anchor)
    ? undefined
    : `${page} links to ${target}: no such heading`;
}
