// The picture of a race in README: a run of app/races, drawn as `/races` draws it. To make it anew:
// `node --conditions=coatcheck-source test/docs/races-picture.ts --write`

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coatcheckContender } from "../../app/races/coatcheck.ts";
import type { Contender } from "../../app/races/contender.ts";
import { expressSessionContender } from "../../app/races/express-session.ts";
import { races } from "../../app/races/races.ts";
import { runRace } from "../../app/races/run.ts";
import { tell } from "../../app/races/story.ts";
import { html } from "../../app/views/html.ts";
import { heightsOf, timeline, timelineHeight, WIDTH } from "../../app/views/timeline.ts";
import { root } from "./workshop.ts";

export const pictureFile: string = join(root, "docs", "races.svg");

const [margin, gap, head] = [20, 36, 74];

/** Runs the race of two tabs and two keys, and draws both sides. */
export async function racesPicture(ours: Contender = coatcheckContender): Promise<string> {
  const race = races.find(({ id }) => id === "two-keys")!;
  const stories = await Promise.all(
    [expressSessionContender, ours].map(async (contender) => tell(await runRace(race, contender))),
  );
  const heights = heightsOf(stories);
  const names = { A: race.tabs.A.name, B: race.tabs.B.name };
  const [width, height] = [2 * (WIDTH + margin) + gap, head + timelineHeight(heights) + margin];
  const verdicts = stories.map(({ name, verdict }) => `${name} ${verdict}`);
  const drawing = await html`<svg
    xmlns="http://www.w3.org/2000/svg"
    class="timeline"
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-labelledby="title"
  >
    <title id="title">${race.story} ${verdicts.join("; ")}.</title>
    <style></style>
    <rect class="paper" width="${width}" height="${height}" rx="12" />
    ${stories.map(
      (story, at) =>
        html`<g transform="translate(${margin + at * (WIDTH + gap)} 0)">
          <text class="verdict" x="0" y="40">
            <tspan>${story.name}</tspan>
            <tspan class="${story.isKept ? "good" : "bad"}"
              >${story.isKept ? "✓" : "✗"} ${story.verdict}</tspan
            >
          </text>
          <g transform="translate(0 ${head})">${timeline(story, names, heights)}</g>
        </g>`,
    )}
  </svg>`;
  const lines = String(drawing)
    .split("\n")
    .map((line) => line.trim());
  return `${lines
    .filter((line) => line !== "")
    .join("\n")
    .replace("<style></style>", `<style>\n${style()}</style>`)}\n`;
}

/** The colours of the site, and what it draws races with. */
function style(): string {
  const theme = read("theme.css");
  const colours = (block: string): string =>
    ["paper", "card", "ink", "faint", "line", "code", "good", "bad", "accent"]
      .map((name) => `--${name}: ${new RegExp(`--${name}: (#[0-9a-f]+);`).exec(block)?.[1]};`)
      .join(" ");
  const at = theme.indexOf("@media (prefers-color-scheme: dark)");
  return `svg { ${colours(theme.slice(0, at))} }
@media (prefers-color-scheme: dark) {
svg { ${colours(theme.slice(at))} }
}
.paper { fill: var(--card); }
.timeline .verdict { font-size: 18px; font-weight: 700; }
.timeline .verdict .good { fill: var(--good); }
.timeline .verdict .bad { fill: var(--bad); }
${read("timeline.css")}`;
}

function read(name: string): string {
  return readFileSync(join(root, "app", "static", name), "utf8");
}

if (import.meta.main && process.argv.includes("--write")) writeFileSync(pictureFile, await racesPicture());
