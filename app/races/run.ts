import express from "express";
import type { ErrorRequestHandler, Express } from "express";
import { Browser, isDeletion } from "./browser.ts";
import type { Answer } from "./browser.ts";
import type { Contender, Handlers, Opened, ShopRequest, Track } from "./contender.ts";
import { shopHandlers } from "./handlers.ts";
import type { Claim, Race } from "./races.ts";
import type { Kept, Moment, StepOf, Tab } from "./trace.ts";

/** What one library did in a race. */
export interface Run {
  readonly contender: string;
  /** What the store held before the race. */
  readonly before: readonly Kept[];
  readonly moments: readonly Moment[];
  readonly claims: readonly Claim[];
  /** What to say if all claims hold. */
  readonly success: string;
  /** The source of what ran. */
  readonly code: { readonly setUp: string; readonly handlers: Readonly<Record<string, string>> };
}

/** The longest that a race may take. One takes some milliseconds. */
const TIMEOUT_MS = 5_000;

/** Runs a race with one library: real requests to a real server, inside this process, in the order of the schedule. */
export async function runRace(race: Race, contender: Contender): Promise<Run> {
  const course = new Course(race, contender);
  try {
    return await course.run();
  } finally {
    await course.close();
  }
}

/** One request in progress. */
interface Running {
  readonly answer: Promise<Answer>;
  /** Resolved when the request waits. */
  paused: PromiseWithResolvers<void>;
  /** Resolved when it may go on. */
  resume: PromiseWithResolvers<void>;
}

class Course {
  readonly #race: Race;
  readonly #name: string;
  readonly #opened: Opened;
  readonly #handlers: Handlers;
  readonly #browsers: Record<Tab, Browser>;
  readonly #app: Express;
  readonly #stop = new AbortController();
  readonly #signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  readonly #running = new Map<Tab, Running>();
  readonly #moments: Moment[] = [];
  #steps: StepOf[] = [];
  /** Only this tab's request runs: the other waits, or has ended. */
  #acting: Tab | undefined;
  #isOver = false;
  /** The ids of sessions, which never leave this object, in the order in which they were seen. */
  readonly #ids: string[] = [];

  constructor(race: Race, contender: Contender) {
    const track: Track = {
      slowService: () => this.#pause("waits"),
      report: (step) => this.#report(step),
      isStale: () => this.#isLate,
    };
    this.#race = race;
    this.#name = contender.name;
    this.#opened = contender.open(track);
    this.#handlers = { ...shopHandlers(track), ...this.#opened.handlers };
    this.#app = this.#createApp();
    const browser = new Browser(this.#app);
    this.#browsers = { A: browser, B: browser };
  }

  async run(): Promise<Run> {
    const { before, isStolen, schedule, tabs, next, judge, success } = this.#race;
    for (const path of before) await this.#browsers.A.visit(`/${path}`, this.#signal);
    if (isStolen) this.#browsers.B = this.#browsers.A.copy(this.#app);
    await this.#opened.copy();
    const start = await this.#kept();
    for (const tab of schedule) await this.#advance(tab, tabs[tab].handler);
    const answers = { A: await this.#answerOf("A"), B: await this.#answerOf("B") };
    this.#running.clear();
    this.#isOver = true;
    await this.#advance(next.tab, next.handler);
    const last = await this.#answerOf(next.tab);
    const sources = Object.entries(this.#handlers).map(([name, handler]) => [name, sourceOf(handler)]);
    return {
      contender: this.#name,
      before: start,
      moments: this.#moments,
      claims: judge({ answers, next: last }),
      success,
      code: { setUp: sourceOf(this.#opened.setUp), handlers: Object.fromEntries(sources) },
    };
  }

  /** What a response does to the browser's cookie. Of several headers, the last counts. */
  #cookieOf({ setCookie }: Answer): Pick<Extract<StepOf, { kind: "responds" }>, "cookie" | "session"> {
    const last = setCookie.at(-1);
    if (last === undefined) return { cookie: undefined, session: undefined };
    if (isDeletion(last)) return { cookie: "deletes", session: undefined };
    const value = last.slice(last.indexOf("=") + 1).split(";", 1)[0] ?? "";
    const number = this.#ids.indexOf(this.#opened.idOf(value)) + 1;
    return { cookie: "sets", session: number === 0 ? undefined : number };
  }

  get #isLate(): boolean {
    return !this.#isOver && this.#acting !== undefined && this.#acting === this.#race.late;
  }

  /** What the store holds now. */
  async #kept(): Promise<Kept[]> {
    const sessions = await this.#opened.sessions();
    for (const { id } of sessions) if (!this.#ids.includes(id)) this.#ids.push(id);
    return sessions.map(({ id, entries }) => ({ number: this.#ids.indexOf(id) + 1, entries }));
  }

  /** Ends requests that still wait, too, as they do if the race has failed. */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#opened.close();
  }

  #createApp(): Express {
    const app = express();
    app.use(async (_req, _res, next) => {
      if (this.#isLate) await this.#pause("travels");
      next();
    });
    const routes = express.Router();
    for (const [path, handler] of Object.entries(this.#handlers)) {
      // What the library adds to a request.
      routes.get(`/${path}`, (req, res, next) => handler(req as ShopRequest, res, next)); // oxlint-disable-line no-unsafe-type-assertion
    }
    this.#opened.setUp(app, routes);
    const failed: ErrorRequestHandler = (_error, _req, res, _next) => {
      res.status(500).send("Something went wrong.");
    };
    return app.use(failed);
  }

  /** Starts a tab's request, or lets it go on, until it waits or has ended. */
  async #advance(tab: Tab, handler: string): Promise<void> {
    this.#acting = tab;
    this.#steps = [];
    const running = this.#running.get(tab) ?? this.#start(tab, handler);
    running.paused = Promise.withResolvers();
    running.resume.resolve();
    await Promise.race([running.paused.promise, running.answer]);
    this.#acting = undefined;
    this.#moments.push({ tab, steps: this.#steps, sessions: await this.#kept() });
  }

  #start(tab: Tab, handler: string): Running {
    const browser = this.#browsers[tab];
    this.#report({ kind: "asks", hasCookie: browser.hasCookie });
    const visit = async (): Promise<Answer> => {
      const answer = await browser.visit(`/${handler}`, this.#signal);
      // So that each session has its number.
      await this.#kept();
      this.#report({ kind: "responds", status: answer.status, text: answer.text, ...this.#cookieOf(answer) });
      return answer;
    };
    const running = {
      answer: visit(),
      paused: Promise.withResolvers<void>(),
      resume: Promise.withResolvers<void>(),
    };
    this.#running.set(tab, running);
    return running;
  }

  /** Waits until it is this tab's turn again. */
  async #pause(kind: "travels" | "waits"): Promise<void> {
    const running = this.#acting === undefined ? undefined : this.#running.get(this.#acting);
    // Before and after the race, everything is quick.
    if (running === undefined || this.#isOver) return;
    this.#report({ kind });
    running.resume = Promise.withResolvers();
    running.paused.resolve();
    await running.resume.promise;
  }

  #report(step: StepOf): void {
    if (this.#acting !== undefined) this.#steps.push(step);
  }

  async #answerOf(tab: Tab): Promise<Answer> {
    const answer = await this.#running.get(tab)?.answer;
    if (answer === undefined) throw new TypeError(`Tab ${tab} has no turn in ${this.#race.id}.`);
    return answer;
  }
}

/** The source of a function as it ran. Node leaves blanks in the place of types. */
function sourceOf(code: (...args: never[]) => unknown): string {
  const lines = String(code).split("\n");
  const indent = /^ */.exec(lines.at(-1) ?? "")?.[0].length ?? 0;
  return lines.map((line, at) => (at === 0 ? line : line.slice(indent)).trimEnd()).join("\n");
}
