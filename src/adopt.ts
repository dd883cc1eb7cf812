// For apps whose visitors come from another system: see docs/adopting-sessions.md.

export type { AdoptionSource } from "./services/adoption-source.ts";
export { fromCookieSession } from "./adopt/cookie-session.ts";
export type { FromCookieSessionOptions } from "./adopt/cookie-session.ts";
export { connectPgSimple } from "./adopt/connect-pg-simple.ts";
export type { ConnectPgSimpleOptions, OldPgClient } from "./adopt/connect-pg-simple.ts";
export { connectRedis } from "./adopt/connect-redis.ts";
export type { ConnectRedisOptions, OldRedisClient } from "./adopt/connect-redis.ts";
export { fromExpressSession } from "./adopt/express-session.ts";
export type { FromExpressSessionOptions } from "./adopt/express-session.ts";
export { fromFlask } from "./adopt/flask.ts";
export type { FromFlaskOptions } from "./adopt/flask.ts";
export { fromIronSession } from "./adopt/iron-session.ts";
export type { FromIronSessionOptions } from "./adopt/iron-session.ts";
export { fromKoaSession } from "./adopt/koa-session.ts";
export type { FromKoaSessionOptions } from "./adopt/koa-session.ts";
export { fromAuthJs, fromNextAuth } from "./adopt/next-auth.ts";
export type { FromNextAuthOptions } from "./adopt/next-auth.ts";
export type { OldStore } from "./adopt/old-store.ts";
export type { OldSecret } from "./adopt/secrets.ts";
export type { KeygripAlgorithm } from "./adopt/signed-cookies.ts";
export type { AdoptOptions, OldCookie, Taken } from "./adopt/source.ts";
