import { requests } from "./site.ts";
import type { RequestName, Site } from "./site.ts";
import { storeKinds } from "./coatcheck/sessions.ts";
import type { StoreKind } from "./coatcheck/sessions.ts";

/** The frameworks of the contenders' apps. */
export const frameworks = ["express", "fastify", "koa", "hono", "node", "h3"] as const;
export type Framework = (typeof frameworks)[number];

/** The names of the frameworks in the tables. */
export const frameworkTitles: Readonly<Record<Framework, string>> = {
  express: "Express",
  fastify: "Fastify",
  koa: "Koa",
  hono: "Hono",
  node: "node:http",
  h3: "h3",
};

/** One app that is measured. */
export interface Contender {
  /** Such as `express/bare` or `express/coatcheck-memory`: the framework's name comes first. */
  readonly id: string;
  readonly framework: Framework;
  /** Its name in the tables, below the framework's name. */
  readonly title: string;
  /** Its package, or `undefined` for the framework alone. */
  readonly package: string | undefined;
  /** The requests that are sent to it. */
  readonly requests: readonly RequestName[];
  /** Where its sessions are kept. */
  readonly keeps: "nothing" | "memory" | "cookie" | "sqlite" | "redis" | "postgres";
  /** Makes the app, in a process that does nothing else. */
  readonly open: () => Site | Promise<Site>;
}

function bare(framework: Framework, open: () => Site | Promise<Site>): Contender {
  const title = `bare ${frameworkTitles[framework]}`;
  return { id: `${framework}/bare`, framework, title, package: undefined, requests, keeps: "nothing", open };
}

function empty(framework: Framework, open: () => Site | Promise<Site>): Contender {
  return {
    id: `${framework}/empty`,
    framework,
    title: `${frameworkTitles[framework]} with an empty middleware`,
    package: undefined,
    requests: ["untouched"],
    keeps: "nothing",
    open,
  };
}

const bares: readonly Contender[] = [
  bare("express", async () => (await import("./frameworks/express.ts")).expressSite(await actions())),
  bare("fastify", async () => (await import("./frameworks/fastify.ts")).fastifySite(await actions())),
  bare("koa", async () => (await import("./frameworks/koa.ts")).koaSite(await actions())),
  bare("hono", async () => (await import("./frameworks/hono.ts")).honoSite(await actions())),
  bare("node", async () => (await import("./frameworks/node.ts")).nodeSite(await actions())),
  bare("h3", async () => (await import("./frameworks/h3.ts")).h3Site(await actions())),
];

/** What one more middleware or hook that does nothing costs in a framework: the lower bound for an adapter. */
const empties: readonly Contender[] = [
  empty("express", async () =>
    (await import("./frameworks/express.ts")).expressSite(await actions(), (app) =>
      app.use((_req, _res, next) => next()),
    ),
  ),
  empty("fastify", async () =>
    (await import("./frameworks/fastify.ts")).fastifySite(await actions(), (app) =>
      app.addHook("onRequest", (_request, _reply, next) => next()),
    ),
  ),
  empty("koa", async () =>
    (await import("./frameworks/koa.ts")).koaSite(await actions(), (app) =>
      app.use(async (_ctx, next) => next()),
    ),
  ),
  empty("hono", async () =>
    (await import("./frameworks/hono.ts")).honoSite(await actions(), (app) =>
      app.use(async (_c, next) => next()),
    ),
  ),
];

async function actions() {
  return (await import("./site.ts")).bare;
}

const storeTitles: Readonly<Record<StoreKind, string>> = {
  memory: "memory",
  sqlite: "SQLite, 100,000 sessions in it",
  redis: "Redis",
  "redis-near": "Redis with near cache",
  postgres: "PostgreSQL",
};

/** All stores on Express; elsewhere only those that differ by the framework or that a peer has, too. */
const storesOn: Readonly<Record<Framework, readonly StoreKind[]>> = {
  express: storeKinds,
  fastify: ["memory", "sqlite", "redis"],
  koa: ["memory"],
  hono: ["memory"],
  node: ["memory"],
  h3: ["memory"],
};

function ours(framework: Framework): Contender[] {
  return storesOn[framework].map((kind) => ({
    id: `${framework}/coatcheck-${kind}`,
    framework,
    title: `Coatcheck, ${storeTitles[kind]}`,
    package: "coatcheck",
    requests,
    keeps: kind === "redis-near" ? "redis" : kind,
    open: async () => (await import("./coatcheck/sites.ts"))[framework](kind),
  }));
}

/** `coatcheck/express-session`, in the app that was written for express-session. */
const dropIns: readonly Contender[] = (["memory", "redis"] as const).map((kind) => ({
  id: `express/coatcheck-drop-in-${kind}`,
  framework: "express",
  title: `Coatcheck in the place of express-session, ${storeTitles[kind]}`,
  package: "coatcheck",
  requests,
  keeps: kind,
  open: async () => (await import("./coatcheck/sites.ts")).expressDropIn(kind),
}));

type Open = Contender["open"];

function peer(
  framework: Framework,
  name: string,
  title: string,
  keeps: Contender["keeps"],
  open: Open,
): Contender {
  const [packageName = ""] = title.split(",");
  return { id: `${framework}/${name}`, framework, title, package: packageName, requests, keeps, open };
}

const peers: readonly Contender[] = [
  peer("express", "express-session", "express-session, memory", "memory", async () =>
    (await import("./peers/express.ts")).memory(),
  ),
  peer("express", "connect-redis", "express-session, connect-redis", "redis", async () =>
    (await import("./peers/express.ts")).redis(),
  ),
  peer("express", "connect-redis-quiet", "express-session, connect-redis, disableTouch", "redis", async () =>
    (await import("./peers/express.ts")).redisQuiet(),
  ),
  peer("express", "connect-pg-simple", "express-session, connect-pg-simple", "postgres", async () =>
    (await import("./peers/express.ts")).postgres(),
  ),
  peer(
    "express",
    "connect-pg-simple-quiet",
    "express-session, connect-pg-simple, disableTouch",
    "postgres",
    async () => (await import("./peers/express.ts")).postgresQuiet(),
  ),
  peer("express", "cookie-session", "cookie-session", "cookie", async () =>
    (await import("./peers/express.ts")).cookie(),
  ),
  peer("fastify", "session", "@fastify/session, memory", "memory", async () =>
    (await import("./peers/fastify.ts")).memory(),
  ),
  peer("fastify", "session-quiet", "@fastify/session, memory, rolling off", "memory", async () =>
    (await import("./peers/fastify.ts")).memoryQuiet(),
  ),
  peer("fastify", "session-redis", "@fastify/session, connect-redis", "redis", async () =>
    (await import("./peers/fastify.ts")).redis(),
  ),
  peer("fastify", "session-redis-quiet", "@fastify/session, connect-redis, rolling off", "redis", async () =>
    (await import("./peers/fastify.ts")).redisQuiet(),
  ),
  peer("fastify", "secure-session", "@fastify/secure-session", "cookie", async () =>
    (await import("./peers/fastify.ts")).secure(),
  ),
  peer("koa", "session-memory", "koa-session, a Map as its store", "memory", async () =>
    (await import("./peers/koa.ts")).memory(),
  ),
  peer("koa", "session-cookie", "koa-session, cookie", "cookie", async () =>
    (await import("./peers/koa.ts")).cookie(),
  ),
  peer("hono", "hono-sessions-memory", "hono-sessions, memory", "memory", async () =>
    (await import("./peers/hono.ts")).sessionsMemory(),
  ),
  peer("hono", "hono-sessions-cookie", "hono-sessions, cookie", "cookie", async () =>
    (await import("./peers/hono.ts")).sessionsCookie(),
  ),
  peer("hono", "session-memory", "@hono/session, a Map as its store", "memory", async () =>
    (await import("./peers/hono.ts")).ownMemory(),
  ),
  peer("hono", "session-cookie", "@hono/session, cookie", "cookie", async () =>
    (await import("./peers/hono.ts")).ownCookie(),
  ),
  peer("node", "iron-session", "iron-session", "cookie", async () =>
    (await import("./peers/node.ts")).iron(),
  ),
  peer("h3", "use-session", "h3, useSession", "cookie", async () => (await import("./peers/h3.ts")).own()),
];

/** All contenders. In each framework's group, the bare framework comes first and ours second. */
export const contenders: readonly Contender[] = frameworks.flatMap((framework) => {
  const all = [...bares, ...empties, ...ours(framework), ...dropIns, ...peers];
  return all.filter((one) => one.framework === framework);
});
