// Measures what sessions cost: `npm run bench`. Installs the peers on first use, and builds the package.
//
//   --quick            one run, with fewer and shorter rounds
//   --only <word>      contenders whose id contains it (express, fastify/coatcheck, redis); may be repeated
//   --requests <name>  untouched, read, write, login; may be repeated
//   --details          round trips, cookies, start-up, memory and sizes instead
//   --micro            the parts of a request instead
//   --million[=count]  stores that fill up instead, with a million sessions, or fewer to try it
//   --profile <id>     a profile of a contender in the chosen requests
//   --write            everything, and writes docs/benchmarks.md and docs/benchmarks.svg
//   --render           only writes these files again, from the last results

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "pg";
import { installPackages } from "../scripts/install.ts";
import { build } from "../scripts/build.ts";
import { defaultUrls, newRedis } from "./clients.ts";
import { measureTraffic, measureUpkeep } from "./details.ts";
import type { Filling } from "./million.ts";
import { isPinned, resultOf, Visitors } from "./processes.ts";
import { contenders } from "./contenders.ts";
import { filledStores } from "./filled-stores.ts";
import type { Profile } from "./profile.ts";
import {
  microTables,
  millionTable,
  page,
  profileTable,
  readChart,
  requestTable,
  sizeTable,
  targetTable,
  thisMachine,
  trafficTable,
  upkeepTable,
} from "./report.ts";
import type { Machine, Results } from "./report.ts";
import { connections, BenchEnvironment, measureRequests, reasonOf } from "./requests.ts";
import type { Effort, RequestResult } from "./requests.ts";
import { requests } from "./site.ts";
import { measureSizes } from "./sizes.ts";

const root = dirname(import.meta.dirname);
const saved = join(import.meta.dirname, ".results");

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    requests: { type: "string", multiple: true, default: [] },
    details: { type: "boolean", default: false },
    micro: { type: "boolean", default: false },
    million: { type: "string" },
    profile: { type: "string" },
    write: { type: "boolean", default: false },
    render: { type: "boolean", default: false },
  },
  args: process.argv.slice(2).map((word) => (word === "--million" ? "--million=1000000" : word)),
});

const unknown = values.requests.filter((name) => !requests.some((request) => request === name));
if (unknown.length > 0)
  throw new Error(`There is no request "${unknown[0]}"; there are ${requests.join(", ")}.`);
const effort: Effort = {
  rounds: values.quick ? 3 : 6,
  turn: values.quick ? 250 : 300,
  seeds: values.quick ? [1] : [1, 2],
  requests: requests.filter((name) => values.requests.length === 0 || values.requests.includes(name)),
  only: values.only,
};

/** These programs use internal parts of the package, so they run its sources. */
const fromSource = ["--conditions=coatcheck-source", "--max-old-space-size=8000"];

const { micro, million, details, profile, write, render } = values;
const asksForRequests =
  write || !(micro || million !== undefined || details || profile !== undefined || render);

if (!render) {
  const installed = installPackages(join(import.meta.dirname, "peers"), ["--ignore-scripts"]);
  if (installed !== 0) process.exit(installed);
  await build();
}
const environment = new BenchEnvironment();
await environment.prepare();
const visitors = new Visitors();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void environment.clear().finally(() => process.exit(1));
  });
}
try {
  if (asksForRequests) save("requests", await measuredRequests());
  if (details || write) save("details", await measuredDetails());
  if (micro || write) save("micro", await resultOf("micro.ts", [], fromSource, environment.settings));
  if (million !== undefined || write) save("million", await measuredMillion(Number(million ?? 1_000_000)));
  if (profile !== undefined) await printProfile(profile);
} finally {
  await visitors.end();
  await environment.clear();
}
const results = savedResults();
print(results);
if (write || render) {
  writeFileSync(join(root, "docs", "benchmarks.md"), page(results));
  if (results.requests)
    writeFileSync(join(root, "docs", "benchmarks.svg"), readChart(results.requests.results));
}
process.exit();

async function measuredRequests(): Promise<Results["requests"]> {
  const measured = await measureRequests(environment, visitors, effort);
  save("machine", await machine());
  if (effort.only.length === 0 && effort.requests.length === requests.length) return { effort, ...measured };
  // A part that is measured again replaces what is known of it.
  const known = savedResults().requests?.results ?? [];
  const isNew = ({ contender, request }: RequestResult): boolean =>
    measured.results.some((one) => one.contender === contender && one.request === request);
  const all = [...known.filter((one) => !isNew(one)), ...measured.results];
  const kinds = requests.filter((name) => all.some(({ request }) => request === name));
  return { ...measured, effort: { ...effort, requests: kinds }, results: all };
}

async function measuredDetails(): Promise<Results["details"]> {
  return {
    traffic: await measureTraffic(environment, visitors, effort.only),
    upkeep: await measureUpkeep(environment, visitors, effort.only),
    sizes: await measureSizes(),
  };
}

async function measuredMillion(most: number): Promise<Results["million"]> {
  const found: Record<string, readonly Filling[]> = { ...(effort.only.length > 0 && savedResults().million) };
  for (const [kind, title] of Object.entries(filledStores)) {
    if (effort.only.length > 0 && !effort.only.includes(kind)) continue;
    try {
      found[title] = (await resultOf(
        "million.ts",
        [kind, String(most)],
        fromSource,
        environment.settings,
      )) as Filling[];
    } catch (error) {
      console.error(`${title} is left out: ${reasonOf(error)}`);
    }
  }
  return found;
}

async function profileOf(id: string, request: Effort["requests"][number]): Promise<Profile> {
  const contender = contenders.find((one) => one.id === id);
  if (contender === undefined) throw new Error(`There is no contender "${id}".`);
  const { site, cookies } = await environment.start(contender, visitors);
  const go = async (): Promise<void> => {
    await visitors.connect({ port: site.port, request, cookies, connections });
    await visitors.go(2000, Number.MAX_SAFE_INTEGER);
  };
  await go();
  const found = await site.profile(go);
  await site.end();
  return found;
}

async function printProfile(id: string): Promise<void> {
  for (const request of effort.requests) {
    console.log(`\n${id}, ${request}\n\n${profileTable(await profileOf(id, request), 30)}`);
  }
}

async function machine(): Promise<Machine> {
  const peers = packages(join(import.meta.dirname, "peers", "package.json"), "dependencies");
  const own = packages(join(root, "package.json"), "devDependencies");
  const frameworks = own.filter((name) =>
    /^(?:express|fastify|koa|hono|@hono\/node-server|h3|redis|pg) /.test(name),
  );
  return {
    ...thisMachine(),
    isPinned,
    load: loadavg()[2] ?? 0,
    versions: [...frameworks, ...peers],
    redis: await redisVersion().catch(() => "none"),
    postgres: await postgresVersion().catch(() => "none"),
  };
}

function packages(file: string, kind: "dependencies" | "devDependencies"): string[] {
  const list = (JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string>>)[kind] ?? {};
  return Object.entries(list).map(([name, version]) => `${name} ${version}`);
}

async function redisVersion(): Promise<string> {
  const client = newRedis(defaultUrls.redis);
  client.on("error", () => client.destroy());
  await client.connect();
  const found = /redis_version:(\S+)/.exec(await client.info("server"))?.[1] ?? "unknown";
  client.destroy();
  return found;
}

async function postgresVersion(): Promise<string> {
  const pool = new Pool({ connectionString: defaultUrls.postgres, max: 1, connectionTimeoutMillis: 3000 });
  try {
    const { rows } = await pool.query<{ server_version: string }>("SHOW server_version");
    return rows[0]?.server_version.split(" ")[0] ?? "unknown";
  } finally {
    await pool.end();
  }
}

function save(part: keyof Results, found: unknown): void {
  mkdirSync(saved, { recursive: true });
  writeFileSync(join(saved, `${part}.json`), JSON.stringify(found));
}

function savedResults(): Results {
  const parts = ["machine", "requests", "details", "micro", "million"] as const;
  return Object.fromEntries(
    parts.flatMap((part) => {
      const file = join(saved, `${part}.json`);
      return existsSync(file) ? [[part, JSON.parse(readFileSync(file, "utf8")) as unknown]] : [];
    }),
  );
}

/** Prints the results. */
function print(found: Results): void {
  if (asksForRequests && found.requests !== undefined) {
    for (const request of found.requests.effort.requests) {
      console.log(`\n${request}\n\n${requestTable(found.requests.results, request)}`);
    }
    console.log(`\ntargets\n\n${targetTable(found)}`);
  }
  if ((details || write) && found.details !== undefined) {
    const { traffic, upkeep, sizes } = found.details;
    console.log(`\nround trips / Set-Cookie\n\n${trafficTable(traffic)}`);
    console.log(`\n${upkeepTable(upkeep)}\n\n${sizeTable(sizes)}`);
  }
  if ((micro || write) && found.micro !== undefined) console.log(`\n${microTables(found.micro)}`);
  if ((million !== undefined || write) && found.million !== undefined)
    console.log(`\n${millionTable(found.million)}`);
}
