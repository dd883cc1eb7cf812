import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Pool } from "pg";
import { randomFrom } from "../test/support/random.ts";
import { defaultUrls, mark, newRedis } from "./clients.ts";
import { canCount, instructionsOf } from "./instructions.ts";
import { contenders, frameworks, frameworkTitles } from "./contenders.ts";
import type { Contender } from "./contenders.ts";
import { SiteProcess } from "./processes.ts";
import type { Settings, Visitors } from "./processes.ts";
import { requests } from "./site.ts";
import type { RequestName } from "./site.ts";
import { compare } from "./statistics.ts";
import type { Comparison, Slice } from "./statistics.ts";

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  /** How long a turn takes, in milliseconds. */
  readonly turn: number;
  readonly requests: readonly RequestName[];
  /** The seed of each run: of the order in which contenders take their turns and visitors send their requests. */
  readonly seeds: readonly number[];
  /** Only contenders whose id contains one of these words, and the frameworks that they are compared with. */
  readonly only: readonly string[];
}

/** The result of one contender and request. */
export interface RequestResult {
  readonly contender: string;
  readonly request: RequestName;
  /** All turns of all runs. */
  readonly comparison: Comparison;
  /** The median of the added processor time in each run, in microseconds. */
  readonly addedInRuns: readonly number[];
  /** How many instructions a request takes, if the machine can count them. */
  readonly instructions?: number;
}

/** A contender that could not take part, and why. */
export interface Absence {
  readonly contender: string;
  readonly reason: string;
}

/** How many requests are in flight, each on its own connection. */
export const connections = 32;
/** The number of visitors whose cookies the requests carry in turn. */
export const visitorCount = 1000;
/** How many sessions are in the SQLite file. */
const filled = 100_000;
/** The most logins in a turn, so that the sessions they leave behind do not slow down the others. */
const mostLogins = 5000;
/** The warm-up before each kind of request. */
const warmRequests = 100_000;
const warmMilliseconds = 8000;

/** The databases and files of one run, all of which are removed at the end. */
export class BenchEnvironment {
  readonly settings: Settings;
  readonly #folder = mkdtempSync(join(tmpdir(), "coatcheck-bench-"));
  readonly #name: string;
  #filled: Promise<readonly string[]> | undefined;
  #files = 0;

  constructor() {
    this.#name = `${mark}_${process.pid}_${randomBytes(3).toString("hex")}`;
    this.settings = {
      BENCH_REDIS: defaultUrls.redis,
      BENCH_POSTGRES: defaultUrls.postgres,
      BENCH_SCHEMA: this.#name,
    };
  }

  /** Creates the schema. Without PostgreSQL, the contenders that need it report that themselves. */
  async prepare(): Promise<void> {
    await this.#sql(`CREATE SCHEMA IF NOT EXISTS ${this.#name}`).catch(() => undefined);
  }

  /** Starts a contender's app, and returns the cookies of visitors who are logged in. */
  async start(
    contender: Contender,
    visitors: Visitors,
    settings: Settings = {},
    count = visitorCount,
  ): Promise<{ readonly site: SiteProcess; readonly cookies: readonly string[] }> {
    const site = await this.open(contender, settings);
    const isFilled = contender.keeps === "sqlite";
    return {
      site,
      cookies: isFilled ? await this.#fill() : await visitors.seed(site.port, count, count),
    };
  }

  /** Starts a contender's app without visitors. */
  async open(contender: Contender, settings: Settings = {}): Promise<SiteProcess> {
    const own: Record<string, string> = { ...this.settings, ...settings };
    if (contender.keeps === "sqlite") {
      await this.#fill();
      const path = join(this.#folder, `${this.#files++}.db`);
      copyFileSync(join(this.#folder, "filled.db"), path);
      own["BENCH_SQLITE"] = path;
    }
    return SiteProcess.start(contender, own);
  }

  async clear(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    await this.#sql(`DROP SCHEMA IF EXISTS ${this.#name} CASCADE`).catch(() => undefined);
    await this.#clearRedis().catch(() => undefined);
  }

  async #fill(): Promise<readonly string[]> {
    this.#filled ??= (async () => {
      const program = join(import.meta.dirname, "coatcheck", "fill.ts");
      const args = [program, join(this.#folder, "filled.db"), String(filled), String(visitorCount)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
      return JSON.parse(stdout) as string[];
    })();
    return this.#filled;
  }

  async #sql(text: string): Promise<void> {
    const pool = new Pool({ connectionString: defaultUrls.postgres, max: 1, connectionTimeoutMillis: 3000 });
    pool.on("error", () => {});
    try {
      await pool.query(text);
    } finally {
      await pool.end();
    }
  }

  async #clearRedis(): Promise<void> {
    const client = newRedis(defaultUrls.redis);
    client.on("error", () => {});
    await client.connect();
    for await (const keys of client.scanIterator({ MATCH: `${this.#name}:*`, COUNT: 1000 })) {
      if (keys.length > 0) await client.unlink(keys);
    }
    client.destroy();
  }
}

interface Runner {
  readonly site: SiteProcess;
  readonly cookies: readonly string[];
  readonly slices: Map<RequestName, Slice[]>;
  readonly instructions: Map<RequestName, number>;
}

/** The turns of a contender and those of the bare framework, for one request, in one run. */
interface Turns {
  readonly contender: string;
  readonly request: RequestName;
  readonly own: readonly Slice[];
  readonly bare: readonly Slice[];
  readonly instructions: number | undefined;
}

/** Measures all contenders in as many runs as there are seeds. Every run starts the apps anew. */
export async function measureRequests(
  environment: BenchEnvironment,
  visitors: Visitors,
  effort: Effort,
): Promise<{ readonly results: readonly RequestResult[]; readonly absences: readonly Absence[] }> {
  const runs: (readonly Turns[])[] = [];
  const absences = new Map<string, Absence>();
  for (const seed of effort.seeds) {
    const run = await measureOnce(environment, visitors, effort, randomFrom(seed));
    runs.push(run.turns);
    for (const absence of run.absences) absences.set(absence.contender, absence);
  }
  const results = (runs[0] ?? []).flatMap(({ contender, request, instructions }) => {
    const all = runs.flatMap((turns) =>
      turns.filter((one) => one.contender === contender && one.request === request),
    );
    if (absences.has(contender)) return [];
    const comparison = compare(
      all.flatMap(({ own }) => own),
      all.flatMap(({ bare }) => bare),
    );
    const addedInRuns = all.map(({ own, bare }) => compare(own, bare).added.median);
    const result = { contender, request, comparison, addedInRuns };
    return instructions === undefined ? result : Object.assign(result, { instructions });
  });
  return { results, absences: [...absences.values()] };
}

/** One run: contenders of one framework next to each other. */
async function measureOnce(
  environment: BenchEnvironment,
  visitors: Visitors,
  effort: Effort,
  random: (count: number) => number,
): Promise<{ readonly turns: readonly Turns[]; readonly absences: readonly Absence[] }> {
  const turns: Turns[] = [];
  const absences: Absence[] = [];
  for (const framework of frameworks) {
    const group = chosen(effort.only).filter((one) => one.framework === framework);
    if (group.length < 2) continue;
    const runners: Runner[] = [];
    try {
      for (const contender of group) {
        try {
          const { site, cookies } = await environment.start(contender, visitors);
          runners.push({
            site,
            cookies: shuffled(cookies, random),
            slices: new Map(requests.map((request) => [request, []])),
            instructions: new Map(),
          });
        } catch (error) {
          const reason = reasonOf(error);
          console.error(`${contender.id} is left out: ${reason}`);
          absences.push({ contender: contender.id, reason });
        }
      }
      const failed = await rounds(frameworkTitles[framework], runners, visitors, effort, random);
      absences.push(...failed);
    } finally {
      await Promise.all(runners.map(async ({ site }) => site.end()));
    }
    const [bare] = runners;
    if (bare === undefined || bare.site.contender.package !== undefined) continue;
    for (const { site, slices, instructions } of runners) {
      if (absences.some(({ contender }) => contender === site.contender.id)) continue;
      for (const request of effort.requests) {
        if (!site.contender.requests.includes(request)) continue;
        turns.push({
          contender: site.contender.id,
          request,
          own: slices.get(request) ?? [],
          bare: bare.slices.get(request) ?? [],
          instructions: instructions.get(request),
        });
      }
    }
  }
  return { turns, absences };
}

function shuffled<T>(list: readonly T[], random: (count: number) => number): T[] {
  return list
    .map((value) => ({ value, place: random(2 ** 32) }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ value }) => value);
}

/** The contenders that take part. */
export function chosen(only: readonly string[]): readonly Contender[] {
  return contenders.filter(
    ({ id, package: name }) =>
      only.length === 0 || name === undefined || only.some((word) => id.includes(word)),
  );
}

/** @returns the contenders that failed. */
async function rounds(
  title: string,
  runners: readonly Runner[],
  visitors: Visitors,
  effort: Effort,
  random: (count: number) => number,
): Promise<readonly Absence[]> {
  const failed: Absence[] = [];
  // One kind of request after the other, so that a contender's turns are seconds apart, like a visitor's pages.
  for (const request of effort.requests) {
    // The first round warms up the compilers and is not counted. One more counts instructions.
    for (let round = 0; round <= effort.rounds + (canCount ? 1 : 0); round++) {
      process.stderr.write(`\r${title}, ${request}: round ${round} of ${effort.rounds} `);
      for (const { site, cookies, slices, instructions } of shuffled(runners, random)) {
        const contender = site.contender.id;
        if (failed.some((absence) => absence.contender === contender)) continue;
        if (!site.contender.requests.includes(request)) continue;
        try {
          if (round > effort.rounds) {
            instructions.set(request, await counted(site, cookies, request, visitors, effort.turn));
            continue;
          }
          if (round === 0) await warm(site, cookies, request, visitors);
          else slices.get(request)?.push(await turn(site, cookies, request, visitors, effort.turn));
        } catch (error) {
          const reason = `${request}: ${reasonOf(error)}`;
          console.error(`\n${contender} failed and is left out: ${reason}`);
          failed.push({ contender, reason });
        }
      }
    }
  }
  process.stderr.write("\n");
  return failed;
}

/** The message of an error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Sends requests until the code is compiled or, if a site is slow, until the time is over. */
async function warm(
  site: SiteProcess,
  cookies: readonly string[],
  request: RequestName,
  visitors: Visitors,
): Promise<void> {
  await visitors.connect({ port: site.port, request, cookies, connections });
  await visitors.go(warmMilliseconds, request === "login" ? mostLogins : warmRequests);
}

async function turn(
  site: SiteProcess,
  cookies: readonly string[],
  request: RequestName,
  visitors: Visitors,
  milliseconds: number,
): Promise<Slice> {
  await visitors.connect({ port: site.port, request, cookies, connections });
  const before = await site.cpu();
  const done = await visitors.go(milliseconds, request === "login" ? mostLogins : Number.MAX_SAFE_INTEGER);
  return { ...done, microseconds: (await site.cpu()) - before };
}

async function counted(
  site: SiteProcess,
  cookies: readonly string[],
  request: RequestName,
  visitors: Visitors,
  milliseconds: number,
): Promise<number> {
  await visitors.connect({ port: site.port, request, cookies, connections });
  let count = 0;
  const instructions = await instructionsOf(site.pid, async () => {
    ({ count } = await visitors.go(milliseconds, request === "login" ? mostLogins : Number.MAX_SAFE_INTEGER));
  });
  return instructions / count;
}
