// What a handler does with its response, as data: so that it can be drawn, run twice, made smaller and printed.

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";

/** An argument: how it is written, and how one is made for each call. */
export interface Value {
  readonly code: string;
  /** @param hear makes a callback that is listened to. */
  readonly make: (hear: () => (...args: unknown[]) => void) => unknown;
}

export type Step =
  /** `response.name(…args)`, not waited for. */
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Value[] }
  | { readonly kind: "assign"; readonly name: string; readonly value: Value }
  /** Writes, and where that returns `false` waits for `drain`, or the end. */
  | { readonly kind: "write patiently"; readonly chunk: Value; readonly times: number }
  | { readonly kind: "pipe"; readonly how: "pipe" | "pipeline"; readonly chunks: readonly Value[] }
  | { readonly kind: "send a file" }
  /** KeyedQueue of the event loop; 0 is a turn of promises. */
  | { readonly kind: "wait"; readonly turns: number }
  | { readonly kind: "session"; readonly use: PendingChanges; readonly isAwaited: boolean }
  | { readonly kind: "fail"; readonly how: "throw" | "next" }
  | { readonly kind: "destroy the socket" }
  /** The client goes away. */
  | { readonly kind: "leave" }
  /** HTTP/2: past the response, to its stream. */
  | { readonly kind: "respond by the stream" };

export const sessionUses = ["read", "set", "login", "logout", "flash", "own cookie"] as const;

export type PendingChanges = (typeof sessionUses)[number];

export const serverNames = [
  "http",
  "http, middleware",
  "connect",
  "express5",
  "express4",
  "http2",
  "http2, connect",
] as const;

export type ServerName = (typeof serverNames)[number];

/** How soon the store answers. */
export type StorePace = "at once" | "after turns" | "after 20 ms";

export interface Program {
  readonly server: ServerName;
  /** Names of middleware before the sessions, and behind them. */
  readonly front: readonly string[];
  readonly behind: readonly string[];
  /** How often the sessions are mounted; on the way to the inner ones a key may be set already. */
  readonly layers: "one" | "two" | "two, used between";
  readonly store: StorePace;
  readonly method: "GET" | "HEAD" | "POST";
  readonly version: "1.1" | "1.0";
  readonly encodings: "gzip" | "br, gzip" | undefined;
  /** Whose cookie the request brings. */
  readonly visitor: "new" | "anonymous" | "logged in";
  readonly client: "reads" | "reads slowly" | "leaves at the first byte";
  readonly steps: readonly Step[];
}

export function isHttp2({ server }: Program): boolean {
  return server.startsWith("http2");
}

/** Whether a step, unless it throws, has had the response begin, even where middleware keeps it to itself. */
export function begins(step: Step): boolean {
  if (step.kind === "call")
    return /^(?:write|writeHead|end|flushHeaders|send|json|redirect|sendStatus)$/.test(step.name);
  return /^(?:write patiently|pipe|send a file|respond by the stream)$/.test(step.kind);
}

/** Whether a step ends a response. */
export function ends(step: Step): boolean {
  if (step.kind === "call") return /^(?:end|send|json|redirect|sendStatus)$/.test(step.name);
  return /^(?:pipe|send a file|respond by the stream)$/.test(step.kind);
}

/** A program as somebody would write it. */
export function printed(program: Program): string {
  const { server, front, behind, layers, store, method, version, encodings, visitor, client, steps } =
    program;
  const between = layers === "two" ? ["sessions"] : ['session("set")', "sessions"];
  const chain = [...front, "sessions", ...(layers === "one" ? [] : between), ...behind].join(", ");
  const request = [
    `${method} over ${isHttp2(program) ? "HTTP/2" : `HTTP/${version}`}`,
    ...(encodings === undefined ? [] : [`Accept-Encoding: ${encodings}`]),
    `visitor: ${visitor}`,
    `client ${client}`,
  ].join(", ");
  return [`// ${server}: ${chain}; store answers ${store}`, `// ${request}`, ...steps.map(printedStep)].join(
    "\n",
  );
}

export function printedStep(step: Step): string {
  switch (step.kind) {
    case "call":
      return `response.${step.name}(${step.args.map(({ code }) => code).join(", ")});`;
    case "assign":
      return `response.${step.name} = ${step.value.code};`;
    case "write patiently": {
      const once = `if (!response.write(${step.chunk.code})) await drain;`;
      return step.times === 1 ? once : `for (let i = 0; i < ${step.times}; i++) ${once}`;
    }
    case "pipe": {
      const from = `Readable.from([${step.chunks.map(({ code }) => code).join(", ")}])`;
      return step.how === "pipe" ? `${from}.pipe(response);` : `await pipeline(${from}, response);`;
    }
    case "send a file":
      return "response.sendFile(file); // or createReadStream(file).pipe(response)";
    case "wait":
      return step.turns === 0 ? "await undefined;" : `await turns(${step.turns});`;
    case "session":
      return `${step.isAwaited ? "await " : "void "}session("${step.use}");`;
    case "fail":
      return step.how === "throw" ? 'throw new Error("late");' : 'next(new Error("late"));';
    case "destroy the socket":
      return "response.socket?.destroy();";
    case "leave":
      return "// the client goes away";
    // Respond by the stream.
    default:
      return 'response.stream.respond({ ":status": 200 }); response.stream.end("by the stream");';
  }
}

/** A value that is written as it is printed. */
export function literal(value: unknown): Value {
  const code = typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value);
  // A fresh one for each call: who is called may keep or change it.
  return { code, make: () => structuredClone(value) };
}

export function longText(letter: string, length: number): Value {
  return { code: `"${letter}".repeat(${length})`, make: () => letter.repeat(length) };
}

export function buffer(letter: string, length: number): Value {
  return { code: `Buffer.alloc(${length}, "${letter}")`, make: () => Buffer.alloc(length, letter) };
}

export function bytes(length: number): Value {
  return { code: `new Uint8Array(${length}).fill(97)`, make: () => new Uint8Array(length).fill(97) };
}

export const callback: Value = { code: "callback", make: (hear) => hear() };

export const error: Value = { code: 'new Error("meant")', make: () => new Error("meant") };

export function streamOf(chunks: readonly Value[]): Readable {
  return Readable.from(
    chunks.map(({ make }) => make(() => () => {})),
    { objectMode: false },
  );
}
