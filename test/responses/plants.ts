import type { ServerResponse } from "node:http";
import type { Middleware } from "./middleware.ts";

/** What stands in front of a response in a planted fault. */
export interface Plant {
  readonly isWithSessions: boolean;
  readonly middleware: Middleware;
}

type Method = (this: ServerResponse, ...args: unknown[]) => unknown;

/** Has a method of a response do something else; it is given the method as it was. */
function changed(
  name: "write" | "end" | "writeHead" | "emit",
  change: (original: Method) => Method,
): Middleware {
  return (_request, response, next) => {
    const original = Reflect.get(response, name) as Method;
    Reflect.set(response, name, change(original));
    next();
  };
}

/** Removes a header at the last moment. */
function without(header: string): Middleware {
  return (_request, response, next) => {
    const setHeader = response.setHeader.bind(response);
    const appendHeader = response.appendHeader.bind(response);
    response.setHeader = (name, value) => (name.toLowerCase() === header ? response : setHeader(name, value));
    response.appendHeader = (name, value) =>
      name.toLowerCase() === header ? response : appendHeader(name, value);
    next();
  };
}

/**
 * Mistakes that something in front of a response may make, and which must be found: without sessions, so that
 * it is these that are found; two are mistakes with what a session adds.
 */
export const plants: Readonly<Record<string, Plant>> = {
  "the last byte of what is written is lost": plain(
    changed(
      "write",
      (write) =>
        function lossy(chunk, ...rest) {
          return write.call(this, typeof chunk === "string" ? chunk.slice(0, -1) : chunk, ...rest);
        },
    ),
  ),
  "callbacks are forgotten": plain(
    changed(
      "end",
      (end) =>
        function forgetful(...args) {
          return end.apply(
            this,
            args.filter((arg) => typeof arg !== "function"),
          );
        },
    ),
  ),
  "drain does not come": plain(
    changed(
      "emit",
      (emit) =>
        function dry(event, ...args) {
          return event === "drain" ? false : emit.call(this, event, ...args);
        },
    ),
  ),
  "an error is nobody's": plain(
    changed(
      "end",
      (end) =>
        function throwing(...args) {
          process.nextTick(() => {
            throw new Error("planted");
          });
          return end.apply(this, args);
        },
    ),
  ),
  "a wrong status is taken": plain(
    changed(
      "writeHead",
      (writeHead) =>
        function lenient(status, ...rest) {
          return writeHead.call(this, Number(status) >= 100 && Number(status) <= 999 ? status : 200, ...rest);
        },
    ),
  ),
  "a second answer is sent, too": plain(
    changed(
      "end",
      (end) =>
        function twice(...args) {
          if (this.writableEnded) this.socket?.write("more");
          return end.apply(this, args);
        },
    ),
  ),
  "a header is added": plain((_request, response, next) => {
    response.setHeader("x-planted", "1");
    next();
  }),
  "nothing is ever ended": plain(
    changed(
      "end",
      () =>
        function endless() {
          return this;
        },
    ),
  ),
  "headersSent is true too late": plain((_request, response, next) => {
    Object.defineProperty(response, "headersSent", { configurable: true, get: () => response.writableEnded });
    next();
  }),
  "the connection is closed": plain((_request, response, next) => {
    response.on("finish", () => response.socket?.destroy());
    next();
  }),
  "the session's cookie is lost": { isWithSessions: true, middleware: without("set-cookie") },
  "the page can be cached for all": { isWithSessions: true, middleware: without("vary") },
};

function plain(middleware: Middleware): Plant {
  return { isWithSessions: false, middleware };
}
