import type { Site } from "../site.ts";
import { actionsOf, openSessions } from "./sessions.ts";
import type { StoreKind } from "./sessions.ts";

// The sites, which differ only in their framework.

export async function express(kind: StoreKind): Promise<Site> {
  const [{ expressSite }, { expressSessions }, sessions] = await Promise.all([
    import("../frameworks/express.ts"),
    import("coatcheck/express"),
    openSessions(kind, "express"),
  ]);
  return expressSite(actionsOf(sessions), (app) => app.use(expressSessions(sessions)));
}

/** The app of the contender express-session, with its handlers unchanged. */
export async function expressDropIn(kind: StoreKind): Promise<Site> {
  const [{ expressSite }, { maxAge, requestSession }, { expressSession }, sessions] = await Promise.all([
    import("../frameworks/express.ts"),
    import("../frameworks/request-session.ts"),
    import("coatcheck/express-session"),
    openSessions(kind, "express-drop-in"),
  ]);
  return expressSite(requestSession, (app) => app.use(expressSession(sessions, { cookie: { maxAge } })));
}

export async function fastify(kind: StoreKind): Promise<Site> {
  const [{ fastifySite }, { fastifySessions }, sessions] = await Promise.all([
    import("../frameworks/fastify.ts"),
    import("coatcheck/fastify"),
    openSessions(kind, "fastify"),
  ]);
  return fastifySite(actionsOf(sessions), async (app) => {
    await app.register(fastifySessions(sessions));
  });
}

export async function koa(kind: StoreKind): Promise<Site> {
  const [{ koaSite }, { koaSessions }, sessions] = await Promise.all([
    import("../frameworks/koa.ts"),
    import("coatcheck/koa"),
    openSessions(kind, "koa"),
  ]);
  return koaSite(actionsOf(sessions), (app) => app.use(koaSessions(sessions)));
}

export async function hono(kind: StoreKind): Promise<Site> {
  const [{ honoSite }, { honoSessions }, sessions] = await Promise.all([
    import("../frameworks/hono.ts"),
    import("coatcheck/hono"),
    openSessions(kind, "hono"),
  ]);
  return honoSite(actionsOf(sessions), (app) => app.use(honoSessions(sessions)));
}

export async function node(kind: StoreKind): Promise<Site> {
  const [{ nodeSite }, { nodeSessions }, sessions] = await Promise.all([
    import("../frameworks/node.ts"),
    import("coatcheck/node"),
    openSessions(kind, "node"),
  ]);
  return nodeSite(actionsOf(sessions), (handler) => nodeSessions(sessions, handler));
}

export async function h3(kind: StoreKind): Promise<Site> {
  const [{ h3Site }, { h3Sessions }, sessions] = await Promise.all([
    import("../frameworks/h3.ts"),
    import("coatcheck/h3"),
    openSessions(kind, "h3"),
  ]);
  return h3Site(actionsOf(sessions), (app) => app.register(h3Sessions(sessions)));
}
