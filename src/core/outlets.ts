import type { NodeResponse } from "./node-message.ts";

/** Everything by which bytes leave a Node response. */
export type Outlet = "writeHead" | "flushHeaders" | "write" | "end";

/** Who gets the calls of a response's outlets, and answers in their place. */
export interface Taker {
  take(outlet: Outlet, args: readonly unknown[]): unknown;
}

/** A response's outlets as they were. */
export type Outlets = Readonly<Record<Outlet, (...args: unknown[]) => unknown>>;

/** A call of an outlet that waits. */
export interface Call {
  readonly outlet: Outlet;
  readonly args: readonly unknown[];
}

/** The callback of a call; wrappers may have put something behind it. */
export function callbackIn(args: readonly unknown[]): ((error?: Error) => void) | undefined {
  return args.findLast((arg): arg is (error?: Error) => void => typeof arg === "function");
}

/** Whose calls are being made up for. */
let replayed: NodeResponse | undefined;

/**
 * Makes the calls that waited, and takes each out of the list when it is made. What the outlets call of each other meanwhile, as Node's `end` does `writeHead`
 * and `write`, is not the handler's: another hub's taker must let it pass, see {@link isReplayed}.
 *
 * @returns whether the last write was one too many for now.
 */
export function replay(response: NodeResponse, outlets: Outlets, calls: Call[]): boolean {
  const before = replayed;
  replayed = response;
  try {
    let isFull = false;
    let hasWritten = false;
    for (let call = calls[0]; call !== undefined; call = calls[0]) {
      const made: Call = hasWritten && response.stream !== undefined ? withoutNothing(call) : call;
      const result: unknown = Reflect.apply(outlets[made.outlet], response, made.args);
      calls.shift();
      hasWritten ||= made.outlet === "write";
      // Over HTTP/2 Node ends a stream with a head that has no body, and then nothing drains.
      if (made.outlet === "write") isFull = result === false && response.stream?.writableEnded !== true;
    }
    return isFull;
  } finally {
    replayed = before;
  }
}

/**
 * Over HTTP/2, where texts are written in one turn and the last is empty, Node sends what happens to be in its memory in
 * place of one of the others (24.21). Here calls of several turns are made in one.
 */
function withoutNothing(call: Call): Call {
  const { outlet, args } = call;
  const [chunk, ...rest] = args;
  const isNothing = chunk === "" || (chunk instanceof Uint8Array && chunk.length === 0);
  if (!isNothing || (outlet !== "write" && outlet !== "end")) return call;
  if (outlet === "end") return { outlet, args: [undefined, ...rest] };
  const callback = callbackIn(args);
  if (callback !== undefined) process.nextTick(callback);
  return { outlet: "flushHeaders", args: [] };
}

/** Whether calls of this response that waited are being made. */
export function isReplayed(response: NodeResponse): boolean {
  return replayed === response;
}

/** Where a response holds its taker. A symbol, so that it is found through proxies, too. */
const taker = Symbol("coatcheck.taker");

/** Whether a response has more than one. */
const isShared = Symbol("coatcheck.shared");

type Taken = NodeResponse & { [taker]?: Taker; [isShared]?: true };

/**
 * Puts a taker in the place of a response's outlets.
 *
 * All responses get the same four functions, which find the taker on the response: functions of its own
 * cost each response four objects, and keep it alive for longer. Only a second taker, of another hub, needs them.
 *
 * @returns the outlets as they were, to be called on the response.
 */
export function interceptOutlets(response: NodeResponse, by: Taker): Outlets {
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { writeHead, flushHeaders, write, end } = response;
  const taken: Taken = response;
  if (taken[taker] === undefined) {
    taken[taker] = by;
    response.writeHead = takeWriteHead;
    response.flushHeaders = takeFlushHeaders;
    response.write = takeWrite;
    response.end = takeEnd;
  } else {
    taken[isShared] = true;
    const taking =
      (outlet: Outlet) =>
      (...args: unknown[]): unknown =>
        by.take(outlet, args);
    response.writeHead = taking("writeHead");
    response.flushHeaders = taking("flushHeaders");
    response.write = taking("write");
    response.end = taking("end");
  }
  return { writeHead, flushHeaders, write, end };
}

/**
 * Takes off whatever has wrapped the outlets since, so that an error's answer is not mixed with what wrappers keep of
 * the page. Where several hubs hold the response, all of them stay.
 */
export function unwrap(response: NodeResponse, by: Taker): void {
  const taken: Taken = response;
  if (taken[taker] !== by || taken[isShared] === true) return;
  response.writeHead = takeWriteHead;
  response.flushHeaders = takeFlushHeaders;
  response.write = takeWrite;
  response.end = takeEnd;
}

/** Whether a response's `writeHead` is its taker's: nobody has wrapped it since. */
export function isIntercepted(response: NodeResponse): boolean {
  return response.writeHead === takeWriteHead;
}

function takeWriteHead(this: Taken, ...args: unknown[]): unknown {
  return this[taker]?.take("writeHead", args);
}

function takeFlushHeaders(this: Taken, ...args: unknown[]): unknown {
  return this[taker]?.take("flushHeaders", args);
}

function takeWrite(this: Taken, ...args: unknown[]): unknown {
  return this[taker]?.take("write", args);
}

function takeEnd(this: Taken, ...args: unknown[]): unknown {
  return this[taker]?.take("end", args);
}
