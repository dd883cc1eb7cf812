import { EXPRESS_SESSION_VERSION } from "../races/express-session.ts";
import { races } from "../races/races.ts";
import type { Race } from "../races/races.ts";
import type { Run } from "../races/run.ts";
import { tell } from "../races/story.ts";
import type { Box, Story } from "../races/story.ts";
import type { Tab } from "../races/trace.ts";
import { code as codeBox } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { heightsOf, timeline, timelineHeight, WIDTH } from "./timeline.ts";
import type { Heights } from "./timeline.ts";

/** How fast the moments of a race are shown. */
export const PACES = ["slow", "fast", "at-once", "steps"] as const;
export type Pace = (typeof PACES)[number];

const PACE_NAMES: Readonly<Record<Pace, string>> = {
  slow: "Slow",
  fast: "Fast",
  "at-once": "At once",
  steps: "Step by step",
};

/** `/races`: all of them. */
export function racesView(): Html {
  return html`<div class="hero">
      <h1>Two tabs, one session. What gets lost?</h1>
      <p class="lead">
        Most bugs with sessions begin when two requests of one visitor overlap. Press a button: this server
        then really runs the two requests, with express-session and with Coatcheck, and draws what each of
        them read, wrote and sent.
      </p>
      <p class="hint">
        What to look for: a request reads the session, takes its time, and writes it back as it was, over what
        another request has written meanwhile. That is a <dfn>lost update</dfn>.
      </p>
    </div>
    <ol class="race-list">
      ${races.map(
        (race, at) =>
          html`<li>
            <article class="race-card">
              <h2><span class="race-at">${at + 1}</span> ${race.title}</h2>
              <p>${race.story}</p>
              <form action="/races/${race.id}">
                <button class="small">Run it<span class="sr-only">: ${race.title}</span></button>
              </form>
            </article>
          </li>`,
      )}
    </ol>`;
}

/** What `/races/<id>` shows. */
export type RacePage = {
  race: Race;
  runs: readonly Run[];
  pace: Pace;
  /** How many moments are shown. */
  step: number;
  /** Whether express-session runs with its default settings. */
  isDefault: boolean;
};

/** `/races/<id>`: what has just happened, on both sides. */
export function raceView({ race, runs, pace, step, isDefault }: RacePage): Html {
  const stories = runs.map(tell);
  const heights = heightsOf(stories);
  const last = heights.scenes.length;
  const shown = pace === "steps" ? Math.min(step, last) : last;
  const at = races.indexOf(race);
  const href = (change: { pace?: Pace; step?: number; isDefault?: boolean; id?: string }): string =>
    raceUrl({ id: race.id, pace, isDefault, ...change });
  return html`<div class="race-head">
      <p class="race-number"><a href="/races">Races</a> · ${at + 1} of ${races.length} · ${race.title}</p>
      <h1>${race.story}</h1>
    </div>
    <div class="race-tools">
      <nav class="steps" aria-label="Speed">
        <ul>
          ${PACES.map(
            (one) =>
              html`<li>
                <a href="${href({ pace: one, step: 1 })}" ${one === pace ? html`aria-current="page"` : ""}
                  >${PACE_NAMES[one]}</a
                >
              </li>`,
          )}
        </ul>
      </nav>
      <form action="/races/${race.id}">
        <input type="hidden" name="pace" value="${pace}" />
        ${isDefault ? html`<input type="hidden" name="resave" value="true" />` : ""}
        <button class="small">Run it again</button>
      </form>
    </div>
    ${pace === "steps" ? stepper(shown, last, (to) => href({ step: to })) : ""}
    <div class="race pace-${pace}">${stories.map((story) => panel({ story, race, heights, shown }))}</div>
    <p class="race-remark">${race.remark}</p>
    ${code(race, runs)}
    <p class="hint">
      ${
        isDefault
          ? html`express-session ${EXPRESS_SESSION_VERSION} ran with <code>resave: true</code> and
              <code>saveUninitialized: true</code>, its defaults.
              <a href="${href({ isDefault: false })}">Run it with both set to false</a>.`
          : html`express-session ${EXPRESS_SESSION_VERSION} ran with <code>resave: false</code>, as its README
              suggests, and <code>saveUninitialized: false</code>.
              <a href="${href({ isDefault: true })}">Run it with its defaults</a>, which are true.`
      }
      Nothing of this touches your own session: each run has two empty stores in memory, which are gone when
      the page is sent.
    </p>
    ${neighbours(at, (id) => href({ id, step: 1 }))}`;
}

function raceUrl(to: { id: string; pace: Pace; step?: number; isDefault: boolean }): string {
  const query = new URLSearchParams({ pace: to.pace });
  if (to.pace === "steps") query.set("step", String(to.step ?? 1));
  if (to.isDefault) query.set("resave", "true");
  return `/races/${to.id}?${query.toString()}`;
}

function stepper(shown: number, last: number, href: (step: number) => string): Html {
  return html`<nav class="stepper" id="step" aria-label="Steps">
    ${shown > 1 ? html`<a rel="prev" href="${href(shown - 1)}#step">← Back</a>` : html`<span></span>`}
    <span>Step ${shown} of ${last}</span>
    ${
      shown < last
        ? html`<a rel="next" href="${href(shown + 1)}#step">Next step →</a>`
        : html`<a href="${href(1)}#step">From the start</a>`
    }
  </nav>`;
}

function panel(part: { story: Story; race: Race; heights: Heights; shown: number }): Html {
  const { story, race, heights, shown } = part;
  const names = { A: race.tabs.A.name, B: race.tabs.B.name };
  const id = story.name.toLowerCase();
  const height = timelineHeight(heights);
  const isOver = shown >= story.scenes.length;
  const sentences = words(story, names, shown);
  return html`<section class="racer" aria-labelledby="verdict-${id}">
    <h2 id="verdict-${id}">
      ${story.name}
      ${
        isOver
          ? html`<span class="verdict ${story.isKept ? "good" : "bad"} moment moment-${story.scenes.length}"
              ><span aria-hidden="true">${story.isKept ? "✓" : "✗"}</span> ${story.verdict}</span
            >`
          : ""
      }
    </h2>
    <svg
      class="timeline"
      viewBox="0 0 ${WIDTH} ${height}"
      role="img"
      aria-labelledby="title-${id}"
      aria-describedby="words-${id}"
    >
      <title id="title-${id}">What happened with ${story.name}</title>
      ${timeline(story, names, heights, shown)}
    </svg>
    <details>
      <summary>The same in words</summary>
      <ol id="words-${id}">
        ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
      </ol>
    </details>
  </section>`;
}

/** The picture in sentences: the same words in the same order. */
function words(story: Story, names: Readonly<Record<Tab, string>>, shown: number): string[] {
  const sentences = [`Before: the store holds ${held(story.before)}.`];
  for (const { tab, isLast, lines, boxes } of story.scenes.slice(0, shown)) {
    const name = isLast ? `The next page of ${names[tab]}` : names[tab];
    sentences.push(
      ...lines.map(({ text, cookie }) => `${name} ${text}${cookie === undefined ? "" : ` ${cookie}`}.`),
    );
    if (boxes !== undefined) sentences.push(`The store now holds ${held(boxes)}.`);
  }
  if (shown >= story.scenes.length) sentences.push(`${story.name} ${story.verdict}.`);
  return sentences;
}

function held(boxes: readonly Box[]): string {
  const texts = boxes.map(({ title, lines }) => {
    const entries = lines.map(({ text, change, isFault }) => {
      const what = change === "removed" ? `${text} (removed)` : change === "added" ? `${text} (new)` : text;
      return isFault ? `✗ ${what}` : what;
    });
    const isEmpty = lines.every(({ change }) => change === "removed");
    return `${title === undefined ? "" : `${title}: `}${[...(isEmpty ? [title === undefined ? "no session" : "ended"] : []), ...entries].join(", ")}`;
  });
  return texts.length === 0 ? "no session" : texts.join("; ");
}

/** What ran, from the functions that ran. */
function code(race: Race, runs: readonly Run[]): Html {
  const names = [...new Set([race.tabs.A.handler, race.tabs.B.handler])];
  const own = names.filter((name) => new Set(runs.map((run) => run.code.handlers[name])).size > 1);
  const common = names.filter((name) => !own.includes(name));
  const user = (name: string): string =>
    (["A", "B"] as const)
      .filter((tab) => race.tabs[tab].handler === name)
      .map((tab) => race.tabs[tab].name)
      .join(" and ");
  return html`<details class="race-code" open>
    <summary>The code that ran</summary>
    ${common.map(
      (name) =>
        html`<h3>${user(name)}, with both libraries</h3>
          ${codeBox(runs[0]?.code.handlers[name] ?? "", `${user(name)}, with both libraries`)}`,
    )}
    <div class="columns">
      ${runs.map(
        (run) =>
          html`<div>
            ${own.map(
              (name) =>
                html`<h3>${user(name)}, with ${run.contender}</h3>
                  ${codeBox(run.code.handlers[name] ?? "", `${user(name)}, with ${run.contender}`)}`,
            )}
            <h3>${run.contender}</h3>
            ${codeBox(run.code.setUp, `How ${run.contender} is set up`)}
          </div>`,
      )}
    </div>
    <p class="hint">
      The server prints these lines from the functions that it has just run. The rest is in
      <code>app/races</code>.
    </p>
  </details>`;
}

function neighbours(at: number, href: (id: string) => string): Html {
  const [before, after] = [races[at - 1], races[at + 1]];
  return html`<nav class="stepper" aria-label="Other races">
    ${before === undefined ? html`<span></span>` : html`<a rel="prev" href="${href(before.id)}">← ${before.title}</a>`}
    ${after === undefined ? html`<a href="/races">All races</a>` : html`<a rel="next" href="${href(after.id)}">${after.title} →</a>`}
  </nav>`;
}
