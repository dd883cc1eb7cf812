import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import { HtmlValidate } from "html-validate";
import type { Page } from "playwright-core";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** The rules of WCAG 2.2 A and AA, and those that are best practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** How a page is shown. */
export interface Look {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

/** Fails if a page, as it is right now, breaks a rule of accessibility in one of these looks. */
export async function assertAccessible(page: Page, name: string, looks: readonly Look[]): Promise<void> {
  // A copy, since axe needs scripts, which are switched off in the tests.
  const browser = page.context().browser();
  assert.ok(browser, "the page has a browser");
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const copy = await context.newPage();
  const body = await page.content();
  await copy.route(page.url(), (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body }));
  await copy.goto(page.url());
  await copy.evaluate(axe);
  const found = new Set<string>();
  for (const look of looks) {
    await copy.setViewportSize(look);
    await copy.emulateMedia({ colorScheme: look.colorScheme });
    const { violations } = await copy.evaluate<AxeResults>(
      `axe.run({ runOnly: ${JSON.stringify(RULES)}, resultTypes: ["violations"] })`,
    );
    for (const { id, nodes } of violations) {
      found.add(`${look.name}, ${id}: ${nodes.map(({ html }) => html.slice(0, 150)).join(" ")}`);
    }
  }
  await context.close();
  assert.deepEqual([...found], [], `${name} is accessible`);
}

const validator = new HtmlValidate({
  extends: ["html-validate:recommended", "html-validate:browser"],
  rules: {
    // Matters of style, which HTML leaves open.
    "doctype-style": "off",
    "no-implicit-button-type": "off",
    "no-implicit-input-type": "off",
    "no-redundant-for": "off",
    // Code that scrolls is a region by itself: `<pre role="region">`.
    "prefer-native-element": "off",
    // The templates are formatted for their readers.
    "no-trailing-whitespace": "off",
    // `<meta />` and `<input />` are fine for HTML, and what the formatter of the templates writes.
    "void-style": "off",
    // `method="post"`: the formatter's own choice.
    "attribute-boolean-style": "off",
  },
});

/** What is wrong with the HTML of a response. */
export async function htmlErrors(markup: string, path: string): Promise<string[]> {
  const { results } = await validator.validateString(markup);
  return results.flatMap(({ messages }) =>
    messages.map(({ line, ruleId, message }) => `${path}:${line} ${ruleId}: ${message}`),
  );
}
