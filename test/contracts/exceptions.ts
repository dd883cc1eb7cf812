import type { apps } from "./apps.ts";

/** What an adapter can't do, by the first words of the clause, and why. */
export type Exceptions = Readonly<Record<string, string>>;

/** The name of an app, and of what it says about its adapter. */
export type AppName = keyof typeof apps;

const notTold: Exceptions = {
  "gives back the messages of a page whose client went away":
    "a fetch handler is not told that its client went away; its answer counts as seen",
};

/** Clauses of the adapter contract that do not hold. */
export const exceptions: Partial<Readonly<Record<AppName, Exceptions>>> = {
  fetch: notTold,
  hono: notTold,
  h3: notTold,
};

/** Adapters that are not for HTTP/2, and why. */
export const http2Exceptions: Partial<Readonly<Record<AppName, string>>> = {
  express: "Express 5 gives every response the prototype of HTTP/1's, which HTTP/2's is not",
  express4: "Express 4 gives every response the prototype of HTTP/1's, which HTTP/2's is not",
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
        why: "Fastify makes functions out of strings, which workerd does not allow",
        isSo() {
          try {
            // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- what Fastify's router does
            return typeof new Function("return 1") !== "function";
          } catch {
            return true;
          }
        },
      },
    },
  },
};
