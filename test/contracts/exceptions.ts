import type { apps } from "./apps.ts";

/** What an adapter can't do, by the first words of the clause, and why. */
export type Exceptions = Readonly<Record<string, string>>;

/** The name of an app, and of what it says about its adapter. */
export type AppName = keyof typeof apps;

const notTold: Exceptions = {
  "gives back the messages of a page whose client went away":
    "a fetch handler is not told that its client went away; its response counts as seen",
};

/** Clauses of the adapter contract that do not hold. */
export const exceptions: Partial<Readonly<Record<AppName, Exceptions>>> = {
  fetch: notTold,
  hono: notTold,
  h3: notTold,
};

/** The same for the route handlers of Next.js, which are fetch handlers. */
export const nextExceptions: Exceptions = {
  ...notTold,
  "sends the app's own cookies beside the session's":
    "Next.js rewrites the handler's own cookies, with the same attributes in another order",
};

/** What the table says of Next.js beside that. */
export const nextReasons = {
  contract:
    "The route handlers of Next.js are tested against the contract, in Node 24; the rest has separate tests.",
  http2: "`next start` serves HTTP/1.",
  runtimes: "There the built site is tested with plain requests.",
  workerd: "`next start` does not run in workerd; third-party solutions for that are not tested.",
};

/** Adapters that are not for HTTP/2, and why. */
export const http2Exceptions: Partial<Readonly<Record<AppName, string>>> = {
  express:
    "Express 5 gives every response the prototype of an HTTP/1 response, which does not work for HTTP/2",
  express4:
    "Express 4 gives every response the prototype of an HTTP/1 response, which does not work for HTTP/2",
};

/** What a runtime adds to that. */
export interface RuntimeExceptions {
  /** Clauses that do not hold there. */
  readonly clauses?: Partial<Readonly<Record<AppName, Exceptions>>>;
  /** Frameworks that do not run there, why, and whether that is still so. */
  readonly missing?: Partial<Readonly<Record<AppName, { readonly why: string; isSo(): boolean }>>>;
}

const notToldInWorkerd: Exceptions = {
  "gives back the messages of a page whose client went away":
    "workerd's `node:http` does not tell a response that its client went away; it counts as seen",
};

/** By the runtime's name in the table. */
export const runtimeExceptions: Readonly<Record<string, RuntimeExceptions>> = {
  workerd: {
    clauses: {
      node: notToldInWorkerd,
      connect: notToldInWorkerd,
      express: notToldInWorkerd,
      express4: notToldInWorkerd,
      koa: notToldInWorkerd,
    },
    missing: {
      fastify: {
        why: "Fastify creates functions from strings, which workerd does not allow",
        isSo() {
          try {
            // oxlint-disable-next-line typescript/no-implied-eval -- what Fastify's router does
            return typeof new Function("return 1") !== "function";
          } catch {
            return true;
          }
        },
      },
    },
  },
};
