import type { Run } from "./run.ts";
import type { Entries, Kept, StepOf, Tab } from "./trace.ts";

/** One thing that a request did. */
export interface Line {
  readonly text: string;
  /** Between the tab and the store; `undefined` if nothing went there. */
  readonly arrow: "from-store" | "to-store" | "refused" | undefined;
  /** Whether it is the end of the request. */
  readonly isResponse: boolean;
  /** What the response does to the browser's cookie. */
  readonly cookie?: string;
}

/** What the store holds under a key, and what became of it since the moment before. */
export interface KeptLine {
  readonly text: string;
  readonly change: "added" | "removed" | "same";
  /** Whether that is what went wrong. */
  readonly isFault: boolean;
}

/** One session in the store. */
export interface Box {
  /** Only where there are several. */
  readonly title: string | undefined;
  readonly lines: readonly KeptLine[];
}

/** One moment of a run. */
export interface Scene {
  readonly tab: Tab;
  /** Whether it is the page that finds out what is left. */
  readonly isLast: boolean;
  /** Whether the request waits at its end. */
  readonly isOpen: boolean;
  readonly lines: readonly Line[];
  /** What the store holds now; `undefined` if nothing was written. */
  readonly boxes: readonly Box[] | undefined;
}

/** A run as it is told: the picture and the text beside it are made of the same words. */
export interface Story {
  readonly name: string;
  readonly before: readonly Box[];
  readonly scenes: readonly Scene[];
  readonly isKept: boolean;
  /** "lost the colour". */
  readonly verdict: string;
}

/** Tells a run. */
export function tell({ contender, before, moments, claims, success }: Run): Story {
  const faults = claims.filter(({ holds }) => !holds);
  const keys = new Set(faults.map(({ key }) => key));
  const isShown = moments.map(
    ({ steps, sessions }, at) => steps.some(isWrite) || !same(sessions, moments[at - 1]?.sessions ?? before),
  );
  const isSeveral = [before, ...moments.map(({ sessions }) => sessions)]
    .flat()
    .some(({ number }) => number > 1);
  const lastShown = isShown.lastIndexOf(true, -2);
  return {
    name: contender,
    before: boxesOf(before, before, isSeveral),
    scenes: moments.map(({ tab, steps, sessions }, at) => {
      const last = moments[at - 1]?.sessions ?? before;
      return {
        tab,
        isLast: at === moments.length - 1,
        isOpen: steps.at(-1)?.kind !== "responds",
        lines: steps.flatMap((step) => lineOf(step, isSeveral)),
        boxes: isShown[at]
          ? boxesOf(sessions, last, isSeveral, at === lastShown ? keys : undefined)
          : undefined,
      };
    }),
    isKept: faults.length === 0,
    verdict: faults.length === 0 ? success : faults.map(({ fault }) => fault).join(" and "),
  };
}

function lineOf(step: StepOf, isSeveral: boolean): Line[] {
  const line = (text: string, arrow?: Line["arrow"]): Line[] => [{ text, arrow, isResponse: false }];
  switch (step.kind) {
    case "asks":
      // With a cookie, the next line says what it opens.
      return step.hasCookie ? [] : line("asks, without a cookie");
    case "travels":
      return line("asks, but is slow to arrive");
    case "waits":
      return line("waits for a slow service");
    case "reads":
      if (step.found === undefined) return line("finds no session", "from-store");
      return line(`reads ${step.isStale ? "an old copy: " : ""}${listed(step.found)}`, "from-store");
    case "creates":
      return line(`begins a session: ${listed(step.entries)}`, "to-store");
    case "replaces":
      return line(`writes it all: ${listed(step.entries)}`, "to-store");
    case "changes":
      return changeLine(step);
    case "ends":
      return line("ends the session", "to-store");
    case "touches":
      return line("only moves its expiry", "to-store");
    default:
      return [responseLine(step, isSeveral)];
  }
}

function changeLine({ set, removed, outcome }: Extract<StepOf, { kind: "changes" }>): Line[] {
  const isSetting = Object.keys(set).length > 0;
  if (!isSetting && removed.length === 0)
    return [{ text: "takes nothing: another was faster", arrow: "refused", isResponse: false }];
  const what = isSetting ? `writes only ${listed(set)}` : `takes only ${removed.join(", ")}`;
  if (outcome === "applied") return [{ text: what, arrow: "to-store", isResponse: false }];
  const why = outcome === "conflict" ? "it has changed" : outcome === "gone" ? "session ended" : "full";
  return [{ text: `${what}: refused, ${why}`, arrow: "refused", isResponse: false }];
}

function responseLine(step: Extract<StepOf, { kind: "responds" }>, isSeveral: boolean): Line {
  const { status, text, cookie, session } = step;
  const entries = text.startsWith("{") ? (JSON.parse(text) as Entries) : undefined; // oxlint-disable-line no-unsafe-type-assertion
  const shown = entries === undefined ? `“${text}”` : listed(entries);
  const whose = isSeveral && session !== undefined ? ` of session ${session}` : "";
  return {
    text: `${status >= 500 ? "fails:" : "shows"} ${shown}`,
    arrow: undefined,
    isResponse: true,
    ...(cookie === undefined ? {} : { cookie: `and ${cookie} the cookie${whose}` }),
  };
}

/** "user: ana, colour: blue". */
function listed(entries: Entries): string {
  const items = Object.entries(entries).map(entryText);
  return items.length === 0 ? "nothing" : items.join(", ");
}

function entryText([key, value]: readonly [string, unknown]): string {
  return `${key}: ${Array.isArray(value) ? value.join(", ") : String(value)}`;
}

function isWrite({ kind }: StepOf): boolean {
  return kind === "creates" || kind === "replaces" || kind === "changes" || kind === "ends";
}

function same(one: readonly Kept[], other: readonly Kept[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function boxesOf(
  now: readonly Kept[],
  before: readonly Kept[],
  isSeveral: boolean,
  faults: ReadonlySet<string> = new Set(),
): Box[] {
  const numbers = [...new Set([...before, ...now].map(({ number }) => number))].toSorted((a, b) => a - b);
  return numbers.map((number) => {
    const entriesIn = (kept: readonly Kept[]): Entries =>
      kept.find((one) => one.number === number)?.entries ?? {};
    const [old, current] = [entriesIn(before), entriesIn(now)];
    const lines: KeptLine[] = Object.entries(current).map((entry) => {
      const [key, value] = entry;
      const isSame = String(old[key]) === String(value);
      return { text: entryText(entry), change: isSame ? "same" : "added", isFault: faults.has(key) };
    });
    for (const entry of Object.entries(old)) {
      if (!Object.hasOwn(current, entry[0]))
        lines.push({ text: entryText(entry), change: "removed", isFault: faults.has(entry[0]) });
    }
    return { title: isSeveral ? `session ${number}` : undefined, lines };
  });
}
