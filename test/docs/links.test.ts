import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { faultOf, linksOf } from "./links.ts";
import { pages, root } from "./workshop.ts";

const texts = pages();

describe("the pages of the documentation", () => {
  const links = Array.from(texts, ([page, text]) => linksOf(page, text)).flat();

  test("link to what is there", () => {
    assert.ok(links.length > 20, "no links were found");
    assert.deepEqual(
      links.map((link) => faultOf(link, texts, root)).filter((fault) => fault !== undefined),
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
    const fault = (target: string) => faultOf({ page: "docs/a.md", target }, known, root);
    assert.match(fault("nothing.md") ?? "", /not there/);
    assert.match(fault("a.md#other") ?? "", /no such heading/);
    assert.match(fault("#other") ?? "", /no such heading/);
    assert.equal(fault("#one-heading"), undefined);
    assert.equal(fault("../README.md"), undefined);
  });
});
