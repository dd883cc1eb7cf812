import type { Site } from "../site.ts";
import { deedsOf, openHub } from "./hub.ts";
import type { StoreKind } from "./hub.ts";

// The sites that differ in nothing but their framework.

export async function express(kind: StoreKind): Promise<Site> {
  const [{ expressSite }, { expressSessions }, sessions] = await Promise.all([
    import("../frameworks/express.ts"),
    import("coatcheck/express"),
    openHub(kind, "express"),
  ]);
  return expressSite(deedsOf(sessions), (app) => app.use(expressSessions(sessions)));
}

export async function fastify(kind: StoreKind): Promise<Site> {
  const [{ fastifySite }, { fastifySessions }, sessions] = await Promise.all([
    import("../frameworks/fastify.ts"),
    import("coatcheck/fastify"),
    openHub(kind, "fastify"),
  ]);
  return fastifySite(deedsOf(sessions), async (app) => {
    await app.register(fastifySessions(sessions));
  });
}

export async function koa(kind: StoreKind): Promise<Site> {
  const [{ koaSite }, { koaSessions }, sessions] = await Promise.all([
    import("../frameworks/koa.ts"),
    import("coatcheck/koa"),
    openHub(kind, "koa"),
  ]);
  return koaSite(deedsOf(sessions), (app) => app.use(koaSessions(sessions)));
}

export async function hono(kind: StoreKind): Promise<Site> {
  const [{ honoSite }, { honoSessions }, sessions] = await Promise.all([
    import("../frameworks/hono.ts"),
    import("coatcheck/hono"),
    openHub(kind, "hono"),
  ]);
  return honoSite(deedsOf(sessions), (app) => app.use(honoSessions(sessions)));
}

export async function node(kind: StoreKind): Promise<Site> {
  const [{ nodeSite }, { nodeSessions }, sessions] = await Promise.all([
    import("../frameworks/node.ts"),
    import("coatcheck/node"),
    openHub(kind, "node"),
  ]);
  return nodeSite(deedsOf(sessions), (handler) => nodeSessions(sessions, handler));
}

export async function h3(kind: StoreKind): Promise<Site> {
  const [{ h3Site }, { h3Sessions }, sessions] = await Promise.all([
    import("../frameworks/h3.ts"),
    import("coatcheck/h3"),
    openHub(kind, "h3"),
  ]);
  return h3Site(deedsOf(sessions), (app) => app.register(h3Sessions(sessions)));
}
