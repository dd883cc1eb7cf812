import assert from "node:assert/strict";
import { races } from "../../app/races/races.ts";
import { browserTest, picture, wayOf } from "./browser.ts";

browserTest(
  "a race from its button: run, seen step by step, and run again, without scripts",
  async ({ page }) => {
    await page.goto("/races");
    await picture(page, "24-races");
    assert.equal(await page.getByRole("button", { name: "Run it" }).count(), 9);
    await page
      .getByRole("article")
      .filter({ hasText: "choose a colour in the other" })
      .filter({ hasText: "cart" })
      .getByRole("button", { name: "Run it" })
      .click();
    assert.equal(wayOf(page), "/races/two-keys");
    assert.match(await page.getByRole("heading", { level: 1 }).innerText(), /^You put something in the cart/);
    const verdicts = page.getByRole("heading", { level: 2 });
    assert.deepEqual(await verdicts.allInnerTexts(), [
      "express-session\n✗ lost the colour",
      "Coatcheck\n✓ kept both",
    ]);

    await page.getByRole("link", { name: "Step by step" }).click();
    assert.deepEqual(await verdicts.allInnerTexts(), ["express-session", "Coatcheck"]);
    for (const step of [2, 3, 4]) {
      await page.getByRole("link", { name: "Next step" }).click();
      assert.equal(await page.getByText(`Step ${step} of 4`).count(), 1);
    }
    assert.match((await verdicts.allInnerTexts()).join(), /lost the colour[^]*kept both/);
    await page.getByText("The same in words").first().click();
    assert.ok(await page.getByText("writes it all: user: ana, cart: umbrella").last().isVisible());

    await page.getByRole("button", { name: "Run it again" }).click();
    await page.getByRole("link", { name: "Run it with its defaults" }).click();
    assert.ok(await page.getByText("saveUninitialized: true").first().isVisible());
    await page.getByRole("link", { name: "Two clicks, one counter" }).click();
    assert.equal(wayOf(page), "/races/counter");
  },
);

browserTest(
  "every race can be read on a phone and on a desktop, in the light and in the dark",
  async ({ page }) => {
    for (const { id } of races) {
      await page.goto(`/races/${id}`);
      await picture(page, `24-${id}`);
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(
            await page.evaluate<string[]>(faultsOfPage),
            [],
            `${id}, ${width}, ${colorScheme}`,
          );
        }
      }
    }
  },
);

/** What is hard to read: small or cut text in the drawings, low contrast, two elements with one id, a drawing without a name. */
const faultsOfPage = `(() => {
  const faults = [];
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push("two with the id " + id);
  const levels = [...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => Number(tagName[1]));
  levels.forEach((level, at) => { if (level > (levels[at - 1] ?? 0) + 1) faults.push("a heading is skipped"); });

  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r, g, b] = rgb(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].toSorted((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (rgb(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of document.querySelectorAll(".verdict, summary, .hint, .race-number, .steps a, .stepper *, h2, h3, pre code")) {
    if (element.textContent.trim() === "") continue;
    const ratio = contrast(getComputedStyle(element).color, behind(element));
    if (ratio < 4.5) faults.push("contrast " + ratio.toFixed(1) + ": " + element.textContent.trim().slice(0, 30));
  }

  for (const svg of document.querySelectorAll("svg.timeline")) {
    const named = (name) => document.getElementById(svg.getAttribute(name))?.textContent.trim();
    if (svg.getAttribute("role") !== "img" || !named("aria-labelledby") || !named("aria-describedby")) faults.push("no name");
    const frame = svg.getBoundingClientRect();
    const scale = svg.getScreenCTM().a;
    const boxes = [...svg.querySelectorAll(".box")].map((box) => box.getBoundingClientRect());
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.width === 0) continue;
      const size = parseFloat(getComputedStyle(text).fontSize) * scale;
      if (size < 12) faults.push(size.toFixed(1) + " px: " + text.textContent);
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom) faults.push("cut: " + text.textContent);
      const around = boxes.find((one) => box.top >= one.top - 1 && box.bottom <= one.bottom + 1);
      if (text.classList.contains("entry") && !(around && box.right <= around.right)) faults.push("wider than its box: " + text.textContent);
      if (text.classList.contains("said") && boxes.some((one) => box.bottom > one.top + 1 && box.top < one.bottom - 1)) faults.push("covered: " + text.textContent);
      for (const part of [text, ...text.querySelectorAll("tspan")]) {
        const paper = text.classList.contains("entry") ? getComputedStyle(svg.querySelector(".box")).fill : behind(svg);
        const ratio = contrast(getComputedStyle(part).fill, paper);
        if (ratio < 4.5) faults.push("contrast " + ratio.toFixed(1) + ": " + part.textContent);
      }
    }
  }
  return [...new Set(faults)];
})()`;
