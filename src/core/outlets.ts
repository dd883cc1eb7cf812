import type { NodeResponse } from "./node-message.ts";

/** Everything by which bytes leave a Node response. */
export type Outlet = "writeHead" | "flushHeaders" | "write" | "end";

/** What a call of an outlet does. */
export type Send = (outlet: Outlet, args: readonly unknown[]) => unknown;

/**
 * Puts `take` in the place of a response's outlets.
 *
 * @param take gets every call, and answers in its place.
 * @returns what calls the outlets as they were.
 */
export function interceptOutlets(response: NodeResponse, take: Send): Send {
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { writeHead, flushHeaders, write, end } = response;
  const originals: Readonly<Record<Outlet, unknown>> = { writeHead, flushHeaders, write, end };
  // A function that is written where it is assigned to a property V8 takes for one that stays, and keeps it
  // among the old objects; with it every response would stay until those are collected.
  const taking =
    (outlet: Outlet) =>
    (...args: unknown[]): unknown =>
      take(outlet, args);
  response.writeHead = taking("writeHead");
  response.flushHeaders = taking("flushHeaders");
  response.write = taking("write");
  response.end = taking("end");
  return (outlet, args) => {
    const original = originals[outlet];
    return typeof original === "function" ? Reflect.apply(original, response, args) : undefined;
  };
}
