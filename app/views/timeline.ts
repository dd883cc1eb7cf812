import type { Box, KeptLine, Line, Scene, Story } from "../races/story.ts";
import type { Tab } from "../races/trace.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** The width of a timeline in its own units. On the narrowest phone, one is about a pixel. */
export const WIDTH = 344;

const STORE = WIDTH / 2;
const LANES = { A: 12, B: WIDTH - 12 } as const;
const TEXT_GAP = 14;
const HEAD = 34;
const LINE = 17;
const ARROW = 15;
const BOX = { width: 190, line: 19, padding: 7, gap: 10 } as const;
const SCENE_GAP = 12;
const DIVIDER = 34;
/** As many characters as fit between the lanes in a wide font. */
const MOST_CHARACTERS = 40;

/** How tall the parts of a timeline are, so that two can be drawn side by side. */
export type Heights = { before: number; scenes: readonly number[] };

/** The heights at which each story has room. */
export function heightsOf(stories: readonly Story[]): Heights {
  const tallest = (heights: readonly number[]): number => Math.max(0, ...heights);
  const count = tallest(stories.map(({ scenes }) => scenes.length));
  return {
    before: tallest(stories.map(({ before }) => boxesHeight(before))),
    scenes: Array.from({ length: count }, (_, at) =>
      tallest(stories.map(({ scenes }) => sceneHeight(scenes[at]))),
    ),
  };
}

/** The height of a whole timeline. */
export function timelineHeight({ before, scenes }: Heights): number {
  return HEAD + before + SCENE_GAP + sum(scenes);
}

/**
 * Draws a story from top to bottom: a lane for each tab, and the store between them. Each moment is a group of the
 * class `moment`.
 *
 * @param shown how many moments are drawn; there is room for the others.
 */
export function timeline(
  story: Story,
  names: Readonly<Record<Tab, string>>,
  heights: Heights,
  shown: number = story.scenes.length,
): Html {
  const top = HEAD + heights.before + SCENE_GAP;
  const tops = heights.scenes.map((_, at) => top + sum(heights.scenes.slice(0, at)));
  const end = timelineHeight(heights);
  return html`<g class="lanes">
      <text class="lane" x="2" y="16">${names.A}</text>
      <text class="lane middle" x="${STORE}" y="16">the store</text>
      <text class="lane end" x="${WIDTH - 2}" y="16">${names.B}</text>
      ${[LANES.A, STORE, LANES.B].map((x) => html`<path class="rail" d="M${x} 24V${end}" />`)}
      ${boxes(story.before, HEAD)}
    </g>
    ${story.scenes.map((scene, at) => {
      if (at >= shown) return "";
      const next = story.scenes.findIndex((other, later) => later > at && other.tab === scene.tab);
      const from = tops[at] ?? 0;
      return html`<g class="moment moment-${at + 1}">
        ${scene.isLast ? divider(from) : ""}
        ${scene.isOpen ? waiting(scene, from, tops[Math.min(next, shown)] ?? end) : ""}
        ${drawScene(scene, from)}
      </g>`;
    })}`;
}

function drawScene(scene: Scene, from: number): Html {
  const { tab, lines } = scene;
  const start = from + (scene.isLast ? DIVIDER : 0);
  let y = start;
  const drawn: Html[] = [];
  for (const line of lines) {
    drawn.push(drawLine(line, tab, y));
    y += lineHeight(line);
  }
  const last = lines.at(-1);
  const end = last?.isResponse ? y - lineHeight(last) + 4 : y - 4;
  return html`<path class="active" d="M${LANES[tab]} ${start + 5}V${Math.max(end, start + 6)}" /> ${drawn}
    ${scene.boxes === undefined ? "" : boxes(scene.boxes, y + 2)}`;
}

function drawLine(line: Line, tab: Tab, y: number): Html {
  const isLeft = tab === "A";
  const x = isLeft ? LANES.A + TEXT_GAP : LANES.B - TEXT_GAP;
  const rows = wrap(line.text).map((text) => ({ text, style: line.isResponse ? "shown" : "done" }));
  if (line.cookie !== undefined) rows.push({ text: line.cookie, style: "done" });
  return html`<text class="said${isLeft ? "" : " end"}">
      ${rows.map(
        ({ text, style }, at) =>
          html`<tspan class="${style}" x="${x}" y="${y + 13 + at * LINE}">${text}</tspan>`,
      )}
    </text>
    ${line.isResponse ? page(tab, y) : ""}
    ${line.arrow === undefined ? "" : arrow(line.arrow, tab, y + rows.length * LINE + 5)}`;
}

/** The arrow below a line: from the store to a tab, or from a tab to the store. */
function arrow(kind: NonNullable<Line["arrow"]>, tab: Tab, y: number): Html {
  const side = tab === "A" ? 1 : -1;
  const near = LANES[tab] + side * 6;
  const far = STORE - side * 4;
  if (kind === "from-store") {
    return html`<path class="flow read" d="M${far} ${y}H${near + side * 4}" />
      <path class="head" d="M${near} ${y}l${side * 8} -4.5v9z" />`;
  }
  if (kind === "to-store") {
    return html`<path class="flow" d="M${near} ${y}H${far - side * 4}" />
      <path class="head" d="M${far} ${y}l${side * -8} -4.5v9z" />`;
  }
  const stop = far - side * 18;
  return html`<path class="flow" d="M${near} ${y}H${stop}" />
    <path class="cross" d="M${stop + side * 4} ${y - 5}l${side * 10} 10m0 -10l${side * -10} 10" />`;
}

/** The sign of a page that a tab shows. */
function page(tab: Tab, y: number): Html {
  return html`<rect class="page" x="${LANES[tab] - 6}" y="${y + 1}" width="12" height="14" rx="2" />
    <path class="page-lines" d="M${LANES[tab] - 3} ${y + 6}h6m-6 4h6" />`;
}

/** The time in which a request waits for its next turn. */
function waiting(scene: Scene, from: number, to: number): Html {
  return html`<path
    class="waiting"
    d="M${LANES[scene.tab]} ${from + sum(scene.lines.map(lineHeight)) - 4}V${to}"
  />`;
}

function divider(y: number): Html {
  return html`<path class="divider" d="M0 ${y + 12}H${WIDTH}" />
    <text class="next middle" x="${STORE}" y="${y + 16}">then, the next page</text>`;
}

function boxes(all: readonly Box[], from: number): Html {
  let y = from;
  const drawn: Html[] = [];
  for (const box of all.length === 0 ? [NO_SESSION] : all) {
    drawn.push(drawBox(box, y));
    y += boxHeight(box) + BOX.gap;
  }
  return html`${drawn}`;
}

const NO_SESSION: Box = { title: undefined, lines: [] };

function drawBox({ title, lines }: Box, y: number): Html {
  const x = STORE - BOX.width / 2;
  const isEmpty = lines.every(({ change }) => change === "removed");
  const rows = [
    ...(title === undefined ? [] : [html`<tspan class="title">${title}</tspan>`]),
    ...lines.map(drawKept),
    ...(isEmpty ? [html`<tspan class="none">${title === undefined ? "no session" : "ended"}</tspan>`] : []),
  ];
  return html`<rect
      class="${isEmpty ? "box empty" : "box"}"
      x="${x}"
      y="${y}"
      width="${BOX.width}"
      height="${boxHeight({ title, lines })}"
      rx="8"
    />
    ${rows.map(
      (row, at) =>
        html`<text class="entry" x="${x + 12}" y="${y + BOX.padding + 14 + at * BOX.line}">${row}</text>`,
    )}`;
}

const SIGNS = { added: "+", removed: "−", same: " " } as const;

function drawKept({ text, change, isFault }: KeptLine): Html {
  const sign = isFault ? "✗" : SIGNS[change];
  return html`<tspan class="${isFault ? "sign fault" : "sign"}">${sign}</tspan
    ><tspan class="${isFault ? `${change} fault` : change}" dx="6">${text}</tspan
    >${isFault && change === "removed" ? html`<tspan class="fault" dx="6">lost</tspan>` : ""}`;
}

function sceneHeight(scene: Scene | undefined): number {
  if (scene === undefined) return 0;
  const lines = sum(scene.lines.map(lineHeight));
  const boxed = scene.boxes === undefined ? 0 : boxesHeight(scene.boxes) + 2;
  return (scene.isLast ? DIVIDER : 0) + lines + boxed + SCENE_GAP;
}

function lineHeight({ text, cookie, arrow: kind }: Line): number {
  const rows = wrap(text).length + (cookie === undefined ? 0 : 1);
  return rows * LINE + (kind === undefined ? 6 : ARROW);
}

function boxesHeight(all: readonly Box[]): number {
  return sum((all.length === 0 ? [NO_SESSION] : all).map((box) => boxHeight(box) + BOX.gap));
}

function boxHeight({ title, lines }: Box): number {
  const isEmpty = lines.every(({ change }) => change === "removed");
  return 2 * BOX.padding + BOX.line * (lines.length + (title === undefined ? 0 : 1) + (isEmpty ? 1 : 0));
}

function wrap(text: string): string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ")) {
    if (row !== "" && row.length + word.length >= MOST_CHARACTERS) {
      rows.push(row);
      row = "";
    }
    row = row === "" ? word : `${row} ${word}`;
  }
  return [...rows, row];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
