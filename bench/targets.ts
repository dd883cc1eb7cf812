import type { Traffic, Upkeep } from "./details.ts";
import type { RequestResult } from "./requests.ts";
import type { RequestName } from "./site.ts";
import type { Size } from "./sizes.ts";
import type { Comparison } from "./statistics.ts";

/** A target, the measurement, and whether it meets the target. */
export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  /** `undefined` if it was not measured. */
  readonly isMet: boolean | undefined;
}

/** The results of all parts of a run. */
export interface Findings {
  readonly requests: readonly RequestResult[];
  readonly traffic: readonly Traffic[];
  readonly upkeep: readonly Upkeep[];
  readonly sizes: readonly Size[];
}

/** Compares the targets with the measurements. */
export function targetsOf(findings: Findings): Target[] {
  const of = (contender: string, request: RequestName): Comparison | undefined =>
    findings.requests.find((one) => one.contender === contender && one.request === request)?.comparison;
  const added = (contender: string, request: RequestName): number | undefined =>
    of(contender, request)?.added.median;
  const perSecond = (contender: string, request: RequestName): number | undefined =>
    of(contender, request)?.perSecond.median;
  const trips = (contender: string, request: RequestName): number | undefined =>
    findings.traffic.find((one) => one.contender === contender && one.request === request)?.roundTrips;

  // With its own core, an app's throughput is limited by its processor time, which varies less than requests/s.
  const untouched = (["express", "koa", "hono", "node", "fastify"] as const).map((framework) => {
    const [own, bare] = [
      of(`${framework}/coatcheck-memory`, "untouched"),
      of(`${framework}/bare`, "untouched"),
    ];
    const value = own === undefined || bare === undefined ? undefined : bare.cpu.median / own.cpu.median;
    const least = framework === "fastify" ? 0.95 : 0.97;
    const empty = of(`${framework}/empty`, "untouched");
    const floor =
      empty === undefined || bare === undefined
        ? ""
        : `; an empty middleware ${(bare.cpu.median / empty.cpu.median).toFixed(2)}`;
    const text = `${value?.toFixed(2)} by processor time, ${own?.ratio.median.toFixed(2)} by requests/s${floor}`;
    return check(
      `untouched, ${framework}`,
      `at least ${least} of bare`,
      value,
      (share) => share >= least,
      value === undefined ? undefined : text,
    );
  });
  /** Added processor time as a share of somebody else's. */
  const share = (
    what: string,
    ours: string,
    theirs: string,
    request: RequestName,
    most: number,
    whose: string,
  ): Target => {
    const [own, other] = [added(ours, request), added(theirs, request)];
    const value = own === undefined || other === undefined ? undefined : own / other;
    const limit = most === 1 ? `at most ${whose}` : `at most ${shareText(most)} of ${whose}`;
    const text =
      value === undefined
        ? undefined
        : `${own?.toFixed(1)} us to ${other?.toFixed(1)} us: ${value.toFixed(2)}`;
    return check(what, `added CPU ${limit}`, value, (found) => found <= most, text);
  };
  const faster = (
    what: string,
    ours: string,
    theirs: string,
    request: RequestName,
    least: number,
    whose: string,
  ): Target => {
    const [own, other] = [perSecond(ours, request), perSecond(theirs, request)];
    const value = own === undefined || other === undefined ? undefined : own / other;
    const text =
      value === undefined ? undefined : `${own?.toFixed(0)} to ${other?.toFixed(0)}: ${value.toFixed(2)}`;
    return check(what, `at least ${least} x ${whose}'s requests/s`, value, (found) => found >= least, text);
  };
  const oneTrip = (what: string, contender: string, wanted: number): Target => {
    const value = trips(contender, "read");
    return check(
      what,
      `${wanted} round trip${wanted === 1 ? "" : "s"}`,
      value,
      (found) => Math.abs(found - wanted) < 0.1,
      value?.toFixed(2),
    );
  };

  const near = added("express/coatcheck-redis-near", "read");
  const memory = added("express/coatcheck-memory", "read");
  const distance = near === undefined || memory === undefined ? undefined : near - memory;
  const weight = (contender: string): number | undefined =>
    findings.upkeep.find((one) => one.contender === contender)?.heap;
  const [ownWeight, otherWeight] = [weight("express/coatcheck-memory"), weight("express/express-session")];
  const weights = ownWeight === undefined || otherWeight === undefined ? undefined : ownWeight / otherWeight;
  const size = findings.sizes.find(({ name }) => name === "Coatcheck");

  return [
    ...untouched,
    share(
      "read, memory",
      "express/coatcheck-memory",
      "express/express-session",
      "read",
      1 / 10,
      "express-session's",
    ),
    share("read, memory", "fastify/coatcheck-memory", "fastify/session", "read", 1 / 3, "@fastify/session's"),
    share(
      "read, memory",
      "fastify/coatcheck-memory",
      "fastify/secure-session",
      "read",
      1,
      "@fastify/secure-session's",
    ),
    share(
      "read, SQLite",
      "fastify/coatcheck-sqlite",
      "fastify/session",
      "read",
      1,
      "@fastify/session's in memory",
    ),
    share(
      "read, SQLite",
      "express/coatcheck-sqlite",
      "express/express-session",
      "read",
      1 / 4,
      "express-session's in memory",
    ),
    oneTrip("read, Redis", "express/coatcheck-redis", 1),
    share(
      "read, Redis",
      "fastify/coatcheck-redis",
      "fastify/session-redis-quiet",
      "read",
      1,
      "@fastify/session's with rolling off",
    ),
    share(
      "read, Redis",
      "express/coatcheck-redis",
      "express/connect-redis-quiet",
      "read",
      1,
      "connect-redis's with disableTouch",
    ),
    share(
      "read, Redis",
      "express/coatcheck-redis",
      "express/connect-redis",
      "read",
      1 / 3,
      "connect-redis's",
    ),
    oneTrip("read, Redis with near cache", "express/coatcheck-redis-near", 0),
    ...(["memory", "Redis"] as const).map((store) =>
      share(
        `read, ${store}, in the place of express-session`,
        `express/coatcheck-drop-in-${store.toLowerCase()}`,
        store === "memory" ? "express/express-session" : "express/connect-redis",
        "read",
        1,
        store === "memory" ? "express-session's" : "connect-redis's",
      ),
    ),
    check(
      "read, Redis with near cache",
      "added CPU within 2 us of the memory store's",
      distance,
      (found) => found <= 2,
      distance === undefined ? undefined : `${distance.toFixed(1)} us more`,
    ),
    oneTrip("read, PostgreSQL", "express/coatcheck-postgres", 1),
    faster(
      "read, PostgreSQL",
      "express/coatcheck-postgres",
      "express/connect-pg-simple",
      "read",
      2.5,
      "connect-pg-simple",
    ),
    share(
      "write, memory",
      "express/coatcheck-memory",
      "express/express-session",
      "write",
      1 / 4,
      "express-session's in memory",
    ),
    share(
      "write, SQLite",
      "express/coatcheck-sqlite",
      "express/express-session",
      "write",
      1,
      "express-session's in memory",
    ),
    faster("write, Redis", "express/coatcheck-redis", "express/connect-redis", "write", 2, "connect-redis"),
    faster(
      "write, PostgreSQL",
      "express/coatcheck-postgres",
      "express/connect-pg-simple",
      "write",
      2,
      "connect-pg-simple",
    ),
    check(
      "memory of 100,000 sessions, memory store",
      "at most 1.6 of express-session's",
      weights,
      (found) => found <= 1.6,
      weights === undefined ? undefined : `${mega(ownWeight)} to ${mega(otherWeight)}: ${weights.toFixed(2)}`,
    ),
    check("install", "1 package", size?.packages, (found) => found === 1, String(size?.packages)),
  ];
}

function check(
  what: string,
  target: string,
  value: number | undefined,
  isEnough: (value: number) => boolean,
  measured: string | undefined,
): Target {
  if (value === undefined || measured === undefined)
    return { what, target, measured: "not measured", isMet: undefined };
  return { what, target, measured, isMet: isEnough(value) };
}

function shareText(share: number): string {
  return `1/${Math.round(1 / share)}`;
}

function mega(bytes: number | undefined): string {
  return `${((bytes ?? 0) / 1_000_000).toFixed(0)} MB`;
}
