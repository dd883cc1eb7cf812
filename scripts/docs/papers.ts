import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readable } from "./markdown.ts";

/** The Markdown and pictures of the package. The decisions are for those who change the code: they have it. */
const packed = ["{README,CHANGELOG,SECURITY}.md", "docs/*.{md,svg}", "docs/{frameworks,reference}/*.md"];

/**
 * What the package holds for readers, by path: the guides and the papers beside them, without the tests' own blocks.
 * A link to what only the repository holds becomes text that names its path.
 *
 * @param repository the folder to read them from.
 */
export function papers(repository: string): ReadonlyMap<string, string> {
  const paths = globSync(packed, { cwd: repository }).map((path) => path.replaceAll("\\", "/"));
  const known = new Set([...paths, "LICENSE"]);
  return new Map(
    paths.map((path) => {
      const text = readFileSync(join(repository, path), "utf8");
      return [path, path.endsWith(".md") ? page(path, text, known) : text];
    }),
  );
}

/** A page as the package holds it. */
function page(path: string, text: string, known: ReadonlySet<string>): string {
  const marked = readable(text, (target) => {
    if (/^[a-z]+:|^#/.test(target)) return target;
    const file = join(dirname(path), target.split("#")[0] ?? "").replaceAll("\\", "/");
    return known.has(file) ? target : `repository:${file}`;
  });
  const link = /(?<bracket>\(?)\[(?<words>[^[\]]*)\]\(repository:(?<file>[^)]+)\)/g;
  return marked.replaceAll(link, (_, bracket: string, words: string, file: string) => {
    const place = `\`${file}\` in the repository`;
    if (`/${file}`.endsWith(`/${words.replaceAll("`", "")}`)) return `${bracket}${place}`;
    return bracket === "" ? `${words} (${place})` : `(${words}: ${place}`;
  });
}
