import { CountingProxy } from "./counting-proxy.ts";
import type { Contender } from "./contenders.ts";
import type { Visitors } from "./processes.ts";
import { chosen, reasonOf, visitorCount } from "./requests.ts";
import type { BenchEnvironment } from "./requests.ts";
import { requests } from "./site.ts";
import type { RequestName } from "./site.ts";
import { median } from "./statistics.ts";

/** What one request costs besides time. */
export interface Traffic {
  readonly contender: string;
  readonly request: RequestName;
  /** Round trips to the database. */
  readonly roundTrips: number;
  readonly setCookies: number;
  /** Bytes of all `Set-Cookie` lines. */
  readonly setCookieBytes: number;
}

/** What a contender costs before and between requests. */
export interface Upkeep {
  readonly contender: string;
  /** From the start of the process to the first request it could take, in milliseconds. */
  readonly startUp: number;
  /** What 100,000 sessions add, in bytes, where they are kept in memory. */
  readonly heap?: number;
  readonly resident?: number;
}

/** How many requests of each kind are counted. */
const asked = 50;
/** How often each contender is started. */
const starts = 3;
/** How many sessions are used to measure memory. */
const sessionCount = 100_000;

/** Counts the traffic of requests that are sent one after the other. */
export async function measureTraffic(
  environment: BenchEnvironment,
  visitors: Visitors,
  only: readonly string[],
): Promise<Traffic[]> {
  const [redis, postgres] = [
    await CountingProxy.open(environment.settings["BENCH_REDIS"] ?? "", 6379),
    await CountingProxy.open(environment.settings["BENCH_POSTGRES"] ?? "", 5432),
  ];
  const settings = { BENCH_REDIS: redis.url, BENCH_POSTGRES: postgres.url };
  const traffic: Traffic[] = [];
  try {
    for (const contender of whole(only)) {
      process.stderr.write(`\r${"round trips of".padEnd(20)}${contender.id.padEnd(40)}`);
      await ifItStarts(contender, async () => {
        const { site, cookies } = await environment.start(contender, visitors, settings, asked);
        for (const request of requests) {
          // A first request fills caches.
          await visitors.connect({ port: site.port, request, cookies, connections: 1 });
          await visitors.ask(asked);
          await visitors.connect({ port: site.port, request, cookies, connections: 1 });
          redis.take();
          postgres.take();
          const { setCookies, setCookieBytes } = await visitors.ask(asked);
          traffic.push({
            contender: contender.id,
            request,
            roundTrips: (redis.take() + postgres.take()) / asked,
            setCookies: setCookies / asked,
            setCookieBytes: setCookieBytes / asked,
          });
        }
        await site.end();
      });
    }
  } finally {
    redis.close();
    postgres.close();
  }
  return traffic;
}

/** Measures how long each contender takes to start, and how much memory sessions take. */
export async function measureUpkeep(
  environment: BenchEnvironment,
  visitors: Visitors,
  only: readonly string[],
): Promise<Upkeep[]> {
  const times = new Map<Contender, number[]>(whole(only).map((contender) => [contender, []]));
  for (let round = 0; round < starts; round++) {
    for (const [contender, milliseconds] of times) {
      process.stderr.write(`\r${`start ${round + 1} of`.padEnd(20)}${contender.id.padEnd(40)}`);
      await ifItStarts(contender, async () => {
        const site = await environment.open(contender);
        milliseconds.push(site.startUp);
        await site.end();
      });
    }
  }
  const upkeep: Upkeep[] = [];
  for (const [contender, milliseconds] of times) {
    if (milliseconds.length === 0) continue;
    process.stderr.write(`\r${"memory of".padEnd(20)}${contender.id.padEnd(40)}`);
    const weight = contender.keeps === "memory" ? await weigh(environment, visitors, contender) : {};
    upkeep.push({ contender: contender.id, startUp: median(milliseconds), ...weight });
  }
  return upkeep;
}

async function weigh(
  environment: BenchEnvironment,
  visitors: Visitors,
  contender: Contender,
): Promise<{ readonly heap: number; readonly resident: number }> {
  const site = await environment.open(contender);
  try {
    // So that code that the first requests load and compile is not counted.
    await visitors.connect({ port: site.port, request: "untouched", cookies: ["a=b"], connections: 32 });
    await visitors.go(500, visitorCount * 10);
    await visitors.seed(site.port, visitorCount, 1);
    const before = await site.memory();
    await visitors.seed(site.port, sessionCount, 1);
    const after = await site.memory();
    return { heap: after.heap - before.heap, resident: after.resident - before.resident };
  } finally {
    await site.end();
  }
}

async function ifItStarts(contender: Contender, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`${contender.id} is left out: ${reasonOf(error)}`);
  }
}

/** The contenders that take part with all kinds of requests. */
function whole(only: readonly string[]): readonly Contender[] {
  return chosen(only).filter((one) => one.requests.length === requests.length);
}
