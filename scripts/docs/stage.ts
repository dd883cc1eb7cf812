import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { descriptionOf, readable, titleOf } from "./markdown.ts";
import { guides } from "./sidebar.ts";

const root = dirname(dirname(import.meta.dirname));

/** Papers of the repository that are pages of the site too, and the pages that begin a folder. */
const renamed: Readonly<Record<string, string>> = {
  "docs/README.md": "index",
  "docs/reference/README.md": "reference/index",
  "docs/decisions/README.md": "decisions/index",
  "README.md": "what-it-is",
  "CHANGELOG.md": "changes",
  "CONTRIBUTING.md": "contributing",
  "SECURITY.md": "reporting-a-vulnerability",
};

/** The files that VitePress builds, by their path. */
export type Stage = ReadonlyMap<string, string>;

/** The page of the site that a Markdown file becomes, without `.md`; `undefined` if it becomes none. */
function pageOf(file: string): string | undefined {
  if (renamed[file] !== undefined) return renamed[file];
  return /^docs\/.*\.md$/.test(file) ? file.slice("docs/".length, -".md".length) : undefined;
}

/** The address of a page within the site. */
function addressOf(page: string): string {
  return `/${page.replace(/(^|\/)index$/, "$1")}`;
}

/** The page that shows a file or a folder of the repository. A dot would read as a file's type, a bracket as a link's end. */
function sourcePageOf(path: string): string {
  return `source/${path.replaceAll(/[^\w/-]/g, "-")}`;
}

/**
 * Lays out the site: every page of docs, the papers beside it, a page for each source file or folder that one of them
 * links to, and the navigation.
 *
 * @throws Error that names each link to a file that does not exist.
 */
export function stage(): Stage {
  const files = new Map<string, string>();
  const sources = new Set<string>();
  const faults: string[] = [];
  const markdown = [
    ...Object.keys(renamed).filter((file) => !file.startsWith("docs/")),
    ...globSync("docs/**/*.md", { cwd: root }).map((file) => file.replaceAll("\\", "/")),
  ].toSorted();
  const titles = new Map<string, string>();
  for (const file of markdown) {
    const page = pageOf(file);
    if (page === undefined) continue;
    const text = readFileSync(join(root, file), "utf8");
    titles.set(file, titleOf(text));
    const relink = (target: string): string => {
      if (/^[a-z]+:|^#/.test(target)) return target;
      const [path = "", anchor] = target.split("#");
      const linked = join(dirname(file), path).replaceAll("\\", "/").replace(/\/$/, "");
      if (!existsSync(join(root, linked))) {
        faults.push(`${file} links to ${target}, which is not there`);
        return target;
      }
      if (/\.(?:svg|png|webp|jpg)$/.test(linked)) {
        files.set(`public/pictures/${linked}`, readFileSync(join(root, linked), "latin1"));
        return `/pictures/${linked}`;
      }
      const known = pageOf(linked) ?? pageOf(`${linked}/README.md`);
      if (known === undefined) sources.add(linked);
      return `${addressOf(known ?? sourcePageOf(linked))}${anchor === undefined ? "" : `#${anchor}`}`;
    };
    files.set(`${page}.md`, withHead(readable(text, relink), { description: descriptionOf(text) }));
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));
  for (const path of sources) addSource(files, path);
  files.set("public/ticket.svg", readFileSync(join(root, "app/static/ticket.svg"), "latin1"));
  files.set("site.json", JSON.stringify(navigation(titles), null, 2));
  return files;
}

/** A hash of the stage and of what builds it: as long as it is the same, so is the site. */
export function hashOf(staged: Stage): string {
  const hash = createHash("sha256");
  for (const [path, text] of [...staged].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path}\n${text}\0`);
  const own = globSync(
    [
      "docs-site/package-lock.json",
      "docs-site/.vitepress/**/*.*",
      "scripts/docs.ts",
      "scripts/docs/build.ts",
      "scripts/docs/markdown.ts",
    ],
    {
      cwd: root,
    },
  );
  for (const path of own.toSorted()) hash.update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

/** A page with front matter. JSON is YAML. */
function withHead(text: string, head: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `---\n${lines.join("\n")}\n---\n\n${text}`;
}

/** A folder with more files is shown as a list of what is in it. */
const MOST_FILES_OF_A_PAGE = 40;

/** Adds the page that shows a file, all files of a folder, or a list of what is in it. */
function addSource(files: Map<string, string>, path: string): void {
  const page = `${sourcePageOf(path)}.md`;
  if (files.has(page)) return;
  // `search` comes first: docs-site/.vitepress/config.mjs looks there.
  const head = { search: false, sidebar: false, prev: false, next: false };
  const add = (text: string) => files.set(page, withHead(`# \`${path}\`\n\n${text}\n`, head));
  if (statSync(join(root, path)).isFile()) {
    add(`A file of the repository.\n\n${codeOf(path)}`);
    return;
  }
  const inside = globSync("**/*.*", { cwd: join(root, path), exclude: (name) => hidden.test(name) })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => shown.test(name) && statSync(join(root, path, name)).isFile())
    .toSorted();
  if (inside.length <= MOST_FILES_OF_A_PAGE) {
    const texts = inside.map((name) => `## \`${name}\`\n\n${codeOf(`${path}/${name}`)}`);
    add(`A folder of the repository.\n\n${texts.join("\n\n")}`);
    return;
  }
  const entries = [...new Set(inside.map((name) => name.split("/")[0] ?? ""))];
  const list = entries.map((name) => `- [\`${name}\`](${addressOf(sourcePageOf(`${path}/${name}`))})`);
  add(`A folder of the repository.\n\n${list.join("\n")}`);
  for (const name of entries) addSource(files, `${path}/${name}`);
}

/** A file as a block of code. */
function codeOf(file: string): string {
  const text = readFileSync(join(root, file), "utf8").trimEnd();
  return `\`\`\`\`${extname(file).slice(1) || "text"}\n${text}\n\`\`\`\``;
}

/** Folders and files that are no sources. */
const hidden = /^(?:node_modules|dist|build|data|package-lock\.json|\..+)$/;
const shown = /\.(?:ts|tsx|js|mjs|json|jsonc|sql|vue|svelte|astro|html|css|toml|yaml)$/;

/** A link of the sidebar, or a group of them. */
interface Item {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly Item[];
  readonly collapsed?: boolean;
}

/** The bar above, and the sidebars: the guides by their table, reference and decisions as they are. */
interface Navigation {
  readonly nav: readonly Item[];
  readonly sidebar: Readonly<Record<string, readonly Item[]>>;
}

/** Each sidebar is in each of its pages, so that reference and decisions, the longest, have their own. */
function navigation(titles: ReadonlyMap<string, string>): Navigation {
  const item = (file: string, text: string): Item => ({ text, link: addressOf(pageOf(file) ?? "") });
  const groups = guides.map(({ text, pages }, at) => ({
    text,
    collapsed: at > 2,
    items: pages.map(([file, name]) => item(join("docs", file).replaceAll("\\", "/"), name)),
  }));
  const folder = (name: string, first: string, short: (file: string, title: string) => string): Item[] => [
    item(`docs/${name}/README.md`, first),
    ...Array.from(titles)
      .filter(([file]) => file.startsWith(`docs/${name}/`) && !file.endsWith("/README.md"))
      .map(([file, title]) => item(file, short(file, title))),
  ];
  const reference = folder("reference", "All names", (_file, title) => title);
  const decisions = folder(
    "decisions",
    "All decisions",
    (file, title) => `${/\d+/.exec(file)?.[0]} ${title}`,
  );
  const back = item("docs/README.md", "Questions and answers");
  return {
    nav: [
      item("docs/quick-start.md", "Quick start"),
      item("docs/frameworks.md", "Frameworks"),
      item("docs/reference/README.md", "Reference"),
      item("docs/benchmarks.md", "Benchmarks"),
    ],
    sidebar: {
      "/": groups,
      "/reference/": [back, { text: "Reference", items: reference }],
      "/decisions/": [back, { text: "Decisions", items: decisions }],
    },
  };
}
