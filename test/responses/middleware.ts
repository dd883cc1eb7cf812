import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import compression from "compression";
import type { ServerName } from "./program.ts";

export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** Hears what middleware tells: lines of a log, a response's end. */
export type Hear = (line: string) => void;

// These have no types.
const require = createRequire(import.meta.url);
const httpCompression = require("http-compression") as (options: object) => Middleware;
const polkaCompression = require("@polka/compression") as (options: object) => Middleware;
const responseTime = require("response-time") as () => Middleware;
const morgan = require("morgan") as (format: string, options: object) => Middleware;
const onFinished = require("on-finished") as (
  response: ServerResponse,
  listener: (error: Error | null) => void,
) => void;
const mung = require("express-mung") as Record<
  "json" | "headers" | "headersAsync" | "write",
  (change: (...args: never[]) => unknown) => Middleware
>;

const made: Readonly<Record<string, (hear: Hear) => Middleware>> = {
  "compression()": () => typed(compression()),
  "compression({ threshold: 0 })": () => typed(compression({ threshold: 0 })),
  "httpCompression({ threshold: 0 })": () => httpCompression({ threshold: 0 }),
  "polkaCompression({ threshold: 0 })": () => polkaCompression({ threshold: 0 }),
  "responseTime()": () => responseTime(),
  "morgan(…)": (hear) =>
    morgan(":method :status :res[content-type]", {
      stream: { write: (line: string) => hear(`log: ${line.trim()}`) },
    }),
  "onFinished(response, …)": (hear) => (_request, response, next) => {
    onFinished(response, (error) => hear(`onFinished: ${error === null ? "well" : "error"}`));
    next();
  },
  "mung.headers(…)": () =>
    mung.headers((_request: IncomingMessage, response: ServerResponse) => response.setHeader("x-mung", "1")),
  "mung.headersAsync(…)": () =>
    mung.headersAsync(async (_request: IncomingMessage, response: ServerResponse) => {
      await Promise.resolve();
      response.setHeader("x-mung", "2");
    }),
  "mung.write(…)": () =>
    mung.write((chunk: unknown) => (typeof chunk === "string" ? chunk.toUpperCase() : undefined)),
  counting: () => counting,
  gathering: () => gathering,
  "mung.json(…)": () => mung.json((json: object) => ({ ...json, more: 1 })),
};

/** What fits in front of a server's handlers. */
export function middlewareNames(server: ServerName): readonly string[] {
  return Object.keys(made).filter(
    (name) =>
      // It stumbles over its own variable where a response ends before its promise has, and waits without holding calls.
      !name.startsWith("mung.headersAsync") &&
      (server.startsWith("express") || !name.startsWith("mung.json")),
  );
}

export function middlewareOf(name: string, hear: Hear): Middleware {
  const make = made[name];
  if (make === undefined) throw new Error(`There is no middleware ${name}.`);
  return make(hear);
}

function typed(middleware: unknown): Middleware {
  return middleware as Middleware;
}

/** As people write it: passes on what is written, and looks at it. */
const counting: Middleware = (_request, response, next) => {
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { write, end } = response;
  let size = 0;
  const count = (chunk: unknown): void => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array) size += Buffer.byteLength(chunk);
  };
  response.write = function counted(this: ServerResponse, ...args: unknown[]): boolean {
    count(args[0]);
    return Reflect.apply(write, this, args) as boolean;
  } as ServerResponse["write"];
  response.end = function counted(this: ServerResponse, ...args: unknown[]): ServerResponse {
    count(args[0]);
    if (!this.headersSent) this.setHeader("x-size", size);
    return Reflect.apply(end, this, args) as ServerResponse;
  } as ServerResponse["end"];
  next();
};

/** As people write it: keeps what is written until the end, then sends it at once. */
const gathering: Middleware = (_request, response, next) => {
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { write, end } = response;
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === "string") chunks.push(Buffer.from(chunk));
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  response.write = ((chunk: unknown) => {
    keep(chunk);
    return true;
  }) as ServerResponse["write"];
  response.end = ((chunk: unknown) => {
    keep(chunk);
    response.write = write;
    response.end = end;
    const body = Buffer.concat(chunks);
    if (!response.headersSent) response.setHeader("content-length", body.length);
    return response.end(body);
  }) as ServerResponse["end"];
  next();
};
