// The peers are installed only for `npm run bench`, so they are untyped here.
declare module "@fastify/cookie";
declare module "@fastify/secure-session";
declare module "@fastify/session";
declare module "@hono/session";
declare module "connect-pg-simple";
declare module "connect-redis";
declare module "cookie-session";
declare module "express-session";
declare module "hono-sessions";
declare module "iron-session";
declare module "koa-session";
