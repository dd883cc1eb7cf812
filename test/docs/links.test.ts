import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { pages, root } from "./workshop.ts";

const texts = pages();

/** A page without its blocks and spans of code, which hold no links. */
function prose(text: string): string {
  return text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "").replaceAll(/`[^`\n]*`/g, "``");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(text: string): Set<string> {
  const headings = text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

interface Link {
  readonly page: string;
  readonly target: string;
}

function linksOf(page: string, text: string): Link[] {
  return Array.from(prose(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => ({ page, target }));
}

/** What is wrong with a link, or `undefined`. */
function faultOf({ page, target }: Link, known: ReadonlyMap<string, string>): string | undefined {
  if (target.startsWith("https://")) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(dirname(page), path).replaceAll("\\", "/");
  if (!known.has(file) && !existsSync(join(root, file)))
    return `${page} links to ${target}, which is not there`;
  if (anchor === undefined) return undefined;
  return anchors(known.get(file) ?? "").has(anchor)
    ? undefined
    : `${page} links to ${target}: no such heading`;
}

describe("the pages of the documentation", () => {
  const links = Array.from(texts, ([page, text]) => linksOf(page, text)).flat();

  test("link to what is there", () => {
    assert.ok(links.length > 20, "no links were found");
    assert.deepEqual(
      links.map((link) => faultOf(link, texts)).filter((fault) => fault !== undefined),
      [],
    );
  });

  test("are all linked from some other page", () => {
    const linked = new Set(
      links
        .filter(({ target }) => !target.startsWith("https:"))
        .map(({ page, target }) => join(dirname(page), target.split("#")[0] ?? "").replaceAll("\\", "/")),
    );
    assert.deepEqual(
      [...texts.keys()].filter((page) => page !== "README.md" && !linked.has(page)),
      [],
    );
  });

  test("are listed among the decisions, each once and in order", () => {
    const folder = "docs/decisions/";
    const listed = texts.get(`${folder}README.md`)?.matchAll(/^\| \[(\d+)\]\((.+?)\) \| .+ \|$/gm) ?? [];
    assert.deepEqual(
      Array.from(listed, ([, number, file]) => [number, folder + file]),
      [...texts.keys()]
        .filter((page) => page.startsWith(folder) && !page.endsWith("/README.md"))
        .map((page) => [page.slice(folder.length).split("-")[0], page]),
    );
  });

  test("would be found with a link that leads nowhere", () => {
    const known = new Map([["docs/a.md", "# One heading\n"]]);
    const fault = (target: string) => faultOf({ page: "docs/a.md", target }, known);
    assert.match(fault("nothing.md") ?? "", /not there/);
    assert.match(fault("a.md#other") ?? "", /no such heading/);
    assert.match(fault("#other") ?? "", /no such heading/);
    assert.equal(fault("#one-heading"), undefined);
    assert.equal(fault("../README.md"), undefined);
  });
});
