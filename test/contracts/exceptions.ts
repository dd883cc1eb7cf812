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
