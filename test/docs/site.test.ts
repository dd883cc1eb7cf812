import assert from "node:assert/strict";
import { test } from "node:test";
import { readable } from "../../scripts/docs/markdown.ts";
import { guides } from "../../scripts/docs/sidebar.ts";
import { stage } from "../../scripts/docs/stage.ts";
import { pages } from "./workshop.ts";

const staged = stage();

/** The addresses of the pages, as their links name them. */
const addresses = new Set(
  Array.from(
    staged.keys(),
    (path) => `/${path.replace(/^public\//, "").replace(/(^|\/)index\.md$|\.md$/, "$1")}`,
  ),
);

/** A page without its blocks and spans of code. */
function proseOf(text: string): string {
  return text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "").replaceAll(/`[^`\n]*`/g, "``");
}

test("every guide is in the sidebar once, and the sidebar names no other", () => {
  const listed = guides.flatMap((group) => group.pages.map(([file]) => file));
  const guide = (path: string) =>
    path.startsWith("docs/") && !/^docs\/(?:reference|decisions)\/(?!README)/.test(path);
  const wanted = [...pages().keys()].map((path) => (guide(path) ? path.slice("docs/".length) : `../${path}`));
  assert.deepEqual(listed.toSorted(), wanted.filter((path) => !path.startsWith("../docs/")).toSorted());
});

test("every page of reference and decisions is in the sidebar of its folder", () => {
  const { sidebar } = JSON.parse(staged.get("site.json") ?? "") as {
    sidebar: Record<string, { items?: { link: string }[] }[]>;
  };
  for (const folder of ["reference", "decisions"]) {
    const listed = sidebar[`/${folder}/`]?.flatMap(({ items = [] }) => items.map(({ link }) => link)) ?? [];
    const wanted = [...addresses].filter((address) => address.startsWith(`/${folder}/`));
    assert.ok(wanted.length > 20, folder);
    assert.deepEqual(listed.toSorted(), wanted.toSorted());
  }
});

test("every link within the site leads to one of its pages, to programs among them", () => {
  const faults: string[] = [];
  let programs = 0;
  for (const [path, text] of staged) {
    if (!path.endsWith(".md")) continue;
    for (const [, target = ""] of proseOf(text).matchAll(/\]\((\/[^)#\s]*)/g)) {
      if (!addresses.has(target)) faults.push(`${path} links to ${target}`);
      if (target.startsWith("/source/")) programs += 1;
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(programs > 20, String(programs));
});

test("what only the tests read does not show", () => {
  for (const [path, text] of staged) {
    if (!path.endsWith(".md") || path.startsWith("source/")) continue;
    assert.doesNotMatch(text, /^\s*```\w+ +\S/m, path);
    assert.doesNotMatch(proseOf(text), /<!--/, path);
  }
  const page = [
    "# A title",
    "<!-- for tests",
    "```ts",
    "hidden();",
    "```",
    "-->",
    "```ts continued",
    "// <!-- stays, with [a](link.md)",
    "shown();",
    "```",
    "`[b](link.md)` and [c](link.md)",
  ];
  assert.equal(
    readable(page.join("\n"), (target) => `/${target}`),
    [
      "# A title",
      "```ts",
      "// <!-- stays, with [a](link.md)",
      "shown();",
      "```",
      "`[b](link.md)` and [c](/link.md)",
    ].join("\n"),
  );
});
