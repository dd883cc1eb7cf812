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
  return marked.replaceAll(/\[([^[\]]*)\]\(repository:([^)]+)\)/g, (_, words: string, file: string) =>
    words.replaceAll("`", "") === file
      ? `\`${file}\` in the repository`
      : `${words} (\`${file}\` in the repository)`,
  );
}
