import { availableParallelism, cpus, totalmem } from "node:os";
import { chart } from "./chart.ts";
import type { BarGroup } from "./chart.ts";
import { comparisonTable } from "./comparison.ts";
import { contenders, frameworks, frameworkTitles } from "./contenders.ts";
import type { Framework } from "./contenders.ts";
import type { Traffic, Upkeep } from "./details.ts";
import type { MicroResult } from "./micro.ts";
import type { Filling } from "./million.ts";
import type { Profile } from "./profile.ts";
import type { Absence, Effort, RequestResult } from "./requests.ts";
import { requests } from "./site.ts";
import type { RequestName } from "./site.ts";
import type { Size } from "./sizes.ts";
import type { Spread } from "./statistics.ts";
import { table } from "./table.ts";
import { targetsOf } from "./targets.ts";
import type { Target } from "./targets.ts";

/** The results of a run, part by part. Parts that were not measured are missing. */
export interface Results {
  readonly machine?: Machine;
  readonly requests?: {
    readonly effort: Effort;
    readonly results: readonly RequestResult[];
    readonly absences: readonly Absence[];
  };
  readonly details?: {
    readonly traffic: readonly Traffic[];
    readonly upkeep: readonly Upkeep[];
    readonly sizes: readonly Size[];
  };
  readonly micro?: MicroResult;
  readonly million?: Readonly<Record<string, readonly Filling[]>>;
}

/** The machine, without anything that identifies a person. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly gigabytes: number;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
  readonly postgres: string;
  readonly isPinned: boolean;
  readonly day: string;
  /** The average load while requests were measured. The benchmark itself accounts for two. */
  readonly load?: number;
  /** Such as `express 5.3.0`. */
  readonly versions: readonly string[];
}

export function thisMachine(): Pick<
  Machine,
  "processor" | "cores" | "gigabytes" | "system" | "node" | "day"
> {
  return {
    processor: (cpus()[0]?.model ?? "unknown").trim(),
    cores: availableParallelism(),
    gigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    day: new Date().toISOString().slice(0, 10),
  };
}

const wordsOf: Readonly<Record<RequestName, string>> = {
  untouched: "the handler does not use its session, the visitor brings a cookie",
  read: "the handler reads the name of who is logged in",
  write: "the handler counts up a number in the session",
  login: "a visitor without a cookie logs in",
};

const title = new Map(contenders.map(({ id, title: text }) => [id, text]));
const frameworkOf = new Map(contenders.map(({ id, framework }) => [id, framework]));

/** The table of targets. */
export function targetTable(results: Results): string {
  return table(
    ["request", "target", "measured", ""],
    targets(results).map(({ what, target, measured, isMet }) => [
      what,
      target,
      measured,
      isMet === undefined ? "?" : isMet ? "met" : "**not met**",
    ]),
  );
}

function targets({ requests: measured, details }: Results): Target[] {
  return targetsOf({
    requests: measured?.results ?? [],
    traffic: details?.traffic ?? [],
    upkeep: details?.upkeep ?? [],
    sizes: details?.sizes ?? [],
  });
}

/** The results of one kind of request, grouped by framework. */
export function requestTable(results: readonly RequestResult[], request: RequestName): string {
  const own = results.filter((one) => one.request === request);
  const bare = (framework: Framework): number =>
    own.find(({ contender }) => contender === `${framework}/bare`)?.instructions ?? Number.NaN;
  // Not every machine counts instructions.
  const areCounted = own.some(({ instructions }) => instructions !== undefined);
  const rows = frameworks.flatMap((framework) =>
    own
      .filter(({ contender }) => frameworkOf.get(contender) === framework)
      .map(({ contender, comparison: { cpu, added }, instructions = Number.NaN }) => {
        const more = (instructions - bare(framework)) / 1000;
        const isBare = contender.endsWith("/bare");
        return [
          frameworkTitles[framework],
          title.get(contender) ?? contender,
          withSpread(cpu, 1),
          isBare ? "" : withSpread(added, 1),
        ].concat(areCounted ? [isBare || Number.isNaN(more) ? "" : more.toFixed(0)] : []);
      }),
  );
  const head = ["framework", "contender", "CPU, us", "added CPU, us"];
  return table(areCounted ? [...head, "added instructions, 1000"] : head, rows, [2, 3, 4]);
}

function withSpread({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

export function trafficTable(traffic: readonly Traffic[]): string {
  const ids = [...new Set(traffic.map(({ contender }) => contender))].filter((id) => !id.endsWith("/bare"));
  const cellOf = (id: string, request: RequestName): string => {
    const one = traffic.find(({ contender, request: kind }) => contender === id && kind === request);
    if (one === undefined) return "";
    const cookies = `${Number(one.setCookies.toFixed(2))} (${one.setCookieBytes.toFixed(0)} B)`;
    return `${Number(one.roundTrips.toFixed(2))} / ${one.setCookies === 0 ? "0" : cookies}`;
  };
  const rows = ids.map((id) =>
    [frameworkTitles[frameworkOf.get(id) ?? "node"], title.get(id) ?? id].concat(
      requests.map((request) => cellOf(id, request)),
    ),
  );
  return table(["framework", "contender", ...requests], rows, [2, 3, 4, 5]);
}

export function upkeepTable(upkeep: readonly Upkeep[]): string {
  const bare = (framework: Framework): number =>
    upkeep.find(({ contender }) => contender === `${framework}/bare`)?.startUp ?? 0;
  const rows = upkeep.map(({ contender, startUp, heap, resident }) => {
    const framework = frameworkOf.get(contender) ?? "node";
    return [
      frameworkTitles[framework],
      title.get(contender) ?? contender,
      startUp.toFixed(0),
      contender.endsWith("/bare") ? "" : (startUp - bare(framework)).toFixed(0),
      megabytes(heap),
      megabytes(resident),
    ];
  });
  return table(
    [
      "framework",
      "contender",
      "start-up, ms",
      "more than bare, ms",
      "100,000 sessions: heap, MB",
      "resident, MB",
    ],
    rows,
    [2, 3, 4, 5],
  );
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : (bytes / 1_000_000).toFixed(0);
}

export function sizeTable(sizes: readonly Size[]): string {
  const kilobytes = (bytes: number | undefined): string =>
    bytes === undefined ? "" : (bytes / 1000).toFixed(0);
  return table(
    ["what is installed", "packages", "on disk, kB", "packed, kB"],
    sizes.map(({ installs, packages, bytes, packed }) => [
      installs.join(" + "),
      String(packages),
      kilobytes(bytes),
      kilobytes(packed),
    ]),
    [1, 2, 3],
  );
}

export function profileTable({ places, functions }: Profile, rows = 12): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return [
    table(
      ["where", "share"],
      places.slice(0, rows).map(({ name, share }) => [name, percent(share)]),
      [1],
    ),
    table(
      ["function", "share"],
      functions.slice(0, rows).map(({ name, share }) => [`\`${name}\``, percent(share)]),
      [1],
    ),
  ].join("\n\n");
}

export function microTables({ parts, stores }: MicroResult): string {
  return [
    table(
      ["part of a request", "CPU, us"],
      parts.map(({ name, cpu }) => [name, withSpread(cpu, 2)]),
      [1],
    ),
    "",
    "One after the other, with 1,000 sessions in the store. The last column is all of Coatcheck's work for a",
    "request that reads, without sockets and framework.",
    "",
    table(
      [
        "store",
        "read: CPU, us",
        "until the result, us",
        "patch: CPU, us",
        "until the result, us",
        "a request that reads: CPU, us",
      ],
      stores.map(({ store, read, patch, exchange }) => [
        store,
        withSpread(read.cpu, 1),
        read.elapsed.median.toFixed(1),
        withSpread(patch.cpu, 1),
        patch.elapsed.median.toFixed(1),
        withSpread(exchange.cpu, 1),
      ]),
      [1, 2, 3, 4, 5],
    ),
  ].join("\n");
}

export function millionTable(million: Readonly<Record<string, readonly Filling[]>>): string {
  const rows = Object.entries(million).flatMap(([store, fillings]) =>
    fillings.map(({ sessions, read, patch, list, sweep }) => [
      store,
      sessions.toLocaleString("en"),
      ...[read, patch, list].map((one) => withSpread(one, 1)),
      withSpread({ median: sweep.median / 1000, low: sweep.low / 1000, high: sweep.high / 1000 }, 2),
    ]),
  );
  return table(
    ["store", "sessions", "read, us", "patch, us", "list, us", "sweep of 500, ms"],
    rows,
    [1, 2, 3, 4, 5],
  );
}

/** The chart of the page. */
export function readChart(results: readonly RequestResult[]): string {
  const groups: BarGroup[] = frameworks.map((framework) => ({
    title: frameworkTitles[framework],
    bars: results
      .filter(({ contender, request }) => request === "read" && frameworkOf.get(contender) === framework)
      .filter(({ contender }) => !contender.endsWith("/bare"))
      .map(({ contender, comparison }) => ({
        label: title.get(contender) ?? contender,
        value: Math.max(0, comparison.added.median),
        isOurs: contender.includes("/coatcheck-"),
      }))
      .toSorted((one, other) => one.value - other.value),
  }));
  return chart(
    "Reading the logged-in user: what sessions add to a request",
    "microseconds of processor time, median; shorter is better",
    groups.filter(({ bars }) => bars.length > 0),
  );
}

/** The page `docs/benchmarks.md`. */
export function page(results: Results): string {
  const { machine, requests: measured, details, micro, million } = results;
  const parts: string[] = [
    `# Benchmarks: how fast Coatcheck is, compared with other session libraries

What sessions cost, compared with the same server without sessions and with other libraries.
\`npm run bench -- --write\` generates this page.
`,
  ];
  if (measured !== undefined) parts.push(comparisonText(measured.results));
  if (machine !== undefined) parts.push(machineText(machine));
  if (measured !== undefined) {
    parts.push(transferText);
    parts.push(
      `## Requests\n\nThe median of all rounds, and in parentheses the quartiles: half of the rounds lie between.\n`,
    );
    for (const request of measured.effort.requests) {
      parts.push(`### ${request}: ${wordsOf[request]}\n\n${requestTable(measured.results, request)}\n`);
    }
    for (const { contender, reason } of measured.absences)
      parts.push(`Left out: ${contender} (${reason.split("\n")[0]}).\n`);
  }
  if (details !== undefined) {
    parts.push(
      `## Round trips and cookies\n\nRound trips to the database, and \`Set-Cookie\` headers (with their bytes), for one request.\n\n${trafficTable(details.traffic)}\n`,
      `## Start-up and memory\n\nStart-up is the time from the start of the process until it can accept a request. Memory is what 100,000\nlogins add in a new process, after garbage collection, if sessions are kept in memory.\n\n${upkeepTable(details.upkeep)}\n`,
      `## Size\n\nWithout frameworks and database clients. "Packed" is the archive that npm downloads, for the last package named\nthat is a store, or else for the first; the rest of the install is counted on disk.\n\n${sizeTable(details.sizes)}\n`,
    );
  }
  if (micro !== undefined) parts.push(`## Parts of a request\n\n${microTables(micro)}\n`);
  if (million !== undefined) {
    parts.push(
      `## Stores that fill up\n\nMicroseconds until the result, one call after the other, for sessions chosen at random. A list contains the ten\nsessions of a subject. Redis deletes expired records by itself; its sweep cleans up the index of subjects.\n\n${millionTable(million)}\n`,
    );
  }
  parts.push(method(measured?.effort));
  if (measured !== undefined) {
    parts.push(
      `## Targets, and which were missed\n\nSet before the work began; same run, same framework, medians. [Another page](decisions/046-how-fast-it-can-be.md) says why some\nare not met.\n\n${targetTable(results)}\n`,
    );
  }
  return parts.join("\n");
}

function comparisonText(results: readonly RequestResult[]): string {
  return `## How it compares

The processor time that Coatcheck adds to a request, as a multiple of what the peer adds to the same request on the same framework:
0.5 is half of it, 2 is twice. The two numbers are two separate runs. "About 0" means less than 2 microseconds, which is as
much as two identical apps may differ.

${comparisonTable(results)}

- **untouched**: ${wordsOf.untouched}.
- **read**: ${wordsOf.read}.
- **write**: ${wordsOf.write}. Coatcheck's is a compare-and-set that loses no increment; the peers' is not.
- **login**: ${wordsOf.login}. Coatcheck makes a key for the session and encrypts what it stores; the peers store plain JSON.
- A session in a cookie needs no store, but a logout can't end it: [how they differ](security.md).

![Processor time that sessions add to a request that reads](benchmarks.svg)
`;
}

/** What a reader may expect elsewhere. */
const transferText = `## What carries over to your machine

- Round trips, cookies and sizes: they are counted, not timed.
- Which of two is cheaper, if one adds several times as much as the other in both runs.

What does not:

- Microseconds, and requests per second.
- The exact ratios. On a second machine the ratio of a read on Express in memory was 0.47 where this page once had 0.16.
- What a request costs in the end: your handlers, templates and queries usually cost far more than the session.
`;

function method(
  { rounds, turn, seeds }: Effort = { rounds: 0, turn: 0, seeds: [], requests: [], only: [] },
): string {
  return `## How it is measured

1. Every contender is a small app with the same four requests, in its own process, with the built package.
2. The apps run on one core, the visitors on another; the databases run on the same machine.
3. 32 keep-alive connections send requests as fast as they get responses, with a browser's headers, as 1,000 visitors in turn.
4. Every response is checked: its status, and what the handler found in its session.
5. Contenders on the same framework take turns: ${seeds.length} runs of ${rounds} rounds, after one round that does not count; a turn takes ${turn} ms.
   Each run starts the apps anew, and has its own order of contenders and visitors.
6. Each turn is compared with the bare framework's of the same round.
7. "CPU" is the processor time of the app's process for one request, as counted by the system, without the databases'.
8. "Added CPU" is the difference from the bare framework: what sessions cost. An empty middleware shows the framework's own part of it.
9. If the machine can count instructions, one more round does: unlike time, they hardly depend on other load.
10. Others run with their defaults, except for what their own guides turn off and what the tables mention.
11. A contender's turns are seconds apart, like the page views of a visitor who stays. Coatcheck moves a visitor's idle clock at most once
    a minute. The read that does so also writes; this happens in one or two of the rounds, and the median shows the others.
`;
}

function machineText(machine: Machine): string {
  const { processor, cores, gigabytes, system, node, redis, postgres, isPinned, day, versions, load } =
    machine;
  return `## The machine

${processor}, ${cores} cores, ${gigabytes} GB, ${system}; Node ${node}, Redis ${redis}, PostgreSQL ${postgres}; ${day}.
${isPinned ? "Apps and visitors each had a core." : "Apps and visitors shared the cores."}${
    load === undefined ? "" : ` The load average was ${load.toFixed(1)} (about 2 is the benchmark's own).`
  }

${versions.join(", ")}.

To measure again, with Redis on 127.0.0.1:6379 and PostgreSQL on 127.0.0.1:5432 (or \`REDIS_URL\` and \`DATABASE_URL\`):

\`\`\`sh
npm run bench                     # all requests, all contenders
npm run bench -- --quick          # a first look in a few minutes
npm run bench -- --only express --requests read
npm run bench -- --micro          # the parts of a request
npm run bench -- --million        # stores with up to a million sessions
npm run bench -- --write          # everything, and this page (an hour or two)
\`\`\`
`;
}
