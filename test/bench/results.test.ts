import assert from "node:assert/strict";
import { test } from "node:test";
import { chart } from "../../bench/chart.ts";
import { factors } from "../../bench/comparison.ts";
import { compare, median, spread } from "../../bench/statistics.ts";
import { table } from "../../bench/table.ts";
import { targetsOf } from "../../bench/targets.ts";

test("a median is the middle, or lies between the two in the middle, and quartiles are the medians of the halves", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 1, 2, 3]), 2.5);
  assert.deepEqual(spread([2, 10, 4]), { median: 4, low: 3, high: 7 });
  assert.deepEqual(spread([8, 1, 2, 100]), { median: 5, low: 1.5, high: 54 });
  assert.throws(() => median([]), RangeError);
});

test("each turn is compared with the bare framework's of the same round", () => {
  const slice = (count: number, microseconds: number) => ({ count, milliseconds: 1000, microseconds });
  // In the second round the machine was half as fast, for both alike.
  const { perSecond, ratio, cpu, added } = compare(
    [slice(800, 16_000), slice(400, 16_000)],
    [slice(1000, 10_000), slice(500, 10_000)],
  );
  assert.deepEqual(perSecond, { median: 600, low: 400, high: 800 });
  assert.deepEqual(ratio, { median: 0.8, low: 0.8, high: 0.8 });
  assert.deepEqual(cpu, { median: 30, low: 20, high: 40 });
  assert.deepEqual(added, { median: 15, low: 10, high: 20 });
  assert.throws(() => compare([slice(1, 1)], []), RangeError);
});

test("a comparison is a range over the runs, and says where there is only noise", () => {
  assert.equal(factors([3, 5], [20, 20]), "0.15 to 0.25");
  assert.equal(factors([40, 40], [20, 20]), "2.00");
  assert.equal(factors([0.5, 0.9], [1.2, 0.8]), "both about 0");
  assert.equal(factors([0.5, 0.9], [12, 8]), "Coatcheck about 0");
  assert.equal(factors([5, 9], [1.2, 8]), "the peer about 0");
  assert.equal(factors([], []), "");
});

test("a table is Markdown, whatever its cells hold", () => {
  assert.equal(
    table(["name", "us"], [["a|b", "1.0"]], [1]),
    ["| name | us |", "| --- | ---: |", String.raw`| a\|b | 1.0 |`].join("\n"),
  );
});

test("a chart is an SVG for light and dark, with its bars to scale", () => {
  const bars = [
    { label: "a & <b>", value: 10, isOurs: true },
    { label: "c", value: 40, isOurs: false },
  ];
  const svg = chart("Title", "us", [{ title: "Group", bars }]);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox=/);
  assert.match(svg, /prefers-color-scheme: dark/);
  assert.match(svg, /a &amp; &lt;b&gt;/);
  const widths = Array.from(svg.matchAll(/<rect class="(?:ours|other)".* width="([\d.]+)"/g), ([, width]) =>
    Number(width),
  );
  assert.equal(widths.length, 2);
  assert.equal(widths[1], (widths[0] ?? 0) * 4);
});

test("a target is met, not met, or says that it was not measured", () => {
  const result = (contender: string, added: number) => {
    const same = { median: added, low: added, high: added };
    const comparison = { perSecond: same, ratio: same, cpu: same, added: same };
    return { contender, request: "read", comparison, addedInRuns: [added] } as const;
  };
  const targets = targetsOf({
    requests: [
      result("express/coatcheck-memory", 5),
      result("express/express-session", 60),
      result("fastify/coatcheck-memory", 5),
      result("fastify/session", 12),
    ],
    traffic: [],
    upkeep: [],
    sizes: [],
  });
  const ofMemory = targets.filter(({ what }) => what === "read, memory");
  assert.deepEqual(
    ofMemory.map(({ isMet }) => isMet),
    [true, false, undefined],
  );
  assert.equal(ofMemory[2]?.measured, "not measured");
});
