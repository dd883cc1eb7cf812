import type { RequestResult } from "./requests.ts";
import { requests } from "./site.ts";
import type { RequestName } from "./site.ts";
import { table } from "./table.ts";

/** Our contender and the peer that does the same work, for each row of the table. */
const pairs: readonly (readonly [what: string, ours: string, peer: string])[] = [
  ["Express, memory: express-session", "express/coatcheck-memory", "express/express-session"],
  ["Express, Redis: connect-redis", "express/coatcheck-redis", "express/connect-redis"],
  [
    "Express, Redis: connect-redis with disableTouch",
    "express/coatcheck-redis",
    "express/connect-redis-quiet",
  ],
  ["Express, PostgreSQL: connect-pg-simple", "express/coatcheck-postgres", "express/connect-pg-simple"],
  [
    "Express, memory, coatcheck/express-session: express-session",
    "express/coatcheck-drop-in-memory",
    "express/express-session",
  ],
  [
    "Express, Redis, coatcheck/express-session: connect-redis",
    "express/coatcheck-drop-in-redis",
    "express/connect-redis",
  ],
  ["Express, a cookie: cookie-session", "express/coatcheck-memory", "express/cookie-session"],
  ["Fastify, memory: @fastify/session", "fastify/coatcheck-memory", "fastify/session"],
  ["Fastify, Redis: @fastify/session", "fastify/coatcheck-redis", "fastify/session-redis"],
  ["Fastify, a cookie: @fastify/secure-session", "fastify/coatcheck-memory", "fastify/secure-session"],
  ["Koa, memory: koa-session", "koa/coatcheck-memory", "koa/session-memory"],
  ["Hono, memory: hono-sessions", "hono/coatcheck-memory", "hono/hono-sessions-memory"],
  ["Hono, memory: @hono/session", "hono/coatcheck-memory", "hono/session-memory"],
  ["node:http, a cookie: iron-session", "node/coatcheck-memory", "node/iron-session"],
  ["h3, a cookie: useSession", "h3/coatcheck-memory", "h3/use-session"],
];

/** Below this many microseconds, a difference between two apps is noise. */
const noise = 2;

/** How Coatcheck compares: its added processor time as a multiple of the peer's, in each run. */
export function comparisonTable(results: readonly RequestResult[]): string {
  const rows = pairs
    .filter(([, ours, peer]) => [ours, peer].every((id) => results.some(({ contender }) => contender === id)))
    .map(([what, ours, peer]) => {
      const factorOf = (request: RequestName): string => {
        const find = (id: string) =>
          results.find((one) => one.contender === id && one.request === request)?.addedInRuns ?? [];
        return factors(find(ours), find(peer));
      };
      return [what].concat(requests.map(factorOf));
    });
  return table(["app and peer", ...requests], rows, [1, 2, 3, 4]);
}

/** Such as `0.12 to 0.18`, or in words if a number would only show noise. */
export function factors(ours: readonly number[], peer: readonly number[]): string {
  if (ours.length === 0 || ours.length !== peer.length) return "";
  if (Math.max(...ours, ...peer) < noise) return "both about 0";
  if (Math.min(...peer) < noise) return "the peer about 0";
  if (Math.max(...ours) < noise) return "Coatcheck about 0";
  const found = ours.map((own, run) => own / (peer[run] ?? Number.NaN));
  const [least = "", most = ""] = [Math.min(...found), Math.max(...found)].map((factor) =>
    factor < 10 ? factor.toFixed(2) : factor.toFixed(0),
  );
  return least === most ? least : `${least} to ${most}`;
}
