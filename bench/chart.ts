/** One bar of a chart. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The highlighted bars, which the chart is about. */
  readonly isOurs: boolean;
}

/** Bars that belong together. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const [width, left, right, barHeight, gap, titleHeight, top] = [860, 330, 70, 18, 6, 34, 58] as const;

/** A bar chart as an SVG, readable on light and dark pages. The longest bar fills the width. */
export function chart(title: string, unit: string, groups: readonly BarGroup[]): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)), Number.MIN_VALUE);
  const scale = (width - left - right) / most;
  const lines: string[] = [];
  let y = top;
  for (const group of groups) {
    lines.push(`<text class="group" x="16" y="${y + 16}">${escaped(group.title)}</text>`);
    y += titleHeight - gap;
    for (const { label, value, isOurs } of group.bars) {
      const length = Math.max(1, value * scale).toFixed(1);
      const middle = y + barHeight / 2 + 4;
      lines.push(
        `<text class="label" x="${left - 10}" y="${middle}">${escaped(label)}</text>`,
        `<rect class="${isOurs ? "ours" : "other"}" x="${left}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
        `<text class="value" x="${left + Number(length) + 6}" y="${middle}">${value.toFixed(1)}</text>`,
      );
      y += barHeight + gap;
    }
    y += gap * 2;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" width="${width}" height="${y + 8}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.unit { fill: #57606a; }
.group { font-weight: 600; }
.label { text-anchor: end; }
.ours { fill: #1a7f64; }
.other { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.unit { fill: #9ea7b3; }
.ours { fill: #3fb992; }
.other { fill: #6e7681; }
}
</style>
<text class="title" x="16" y="24">${escaped(title)}</text>
<text class="unit" x="16" y="44">${escaped(unit)}</text>
${lines.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
