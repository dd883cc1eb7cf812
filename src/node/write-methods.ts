import type { NodeResponse } from "./messages.ts";

/** The methods by which bytes leave a Node response. */
export type WriteMethod = "writeHead" | "flushHeaders" | "write" | "end";

/** Receives the calls of a response's write methods, and returns their results. */
export interface WriteInterceptor {
  intercept(method: WriteMethod, args: readonly unknown[]): unknown;
}

/** A response's write methods as they were before interception. */
export type WriteMethods = Readonly<Record<WriteMethod, (...args: unknown[]) => unknown>>;

/** A call of a write method that waits for the commit. */
export interface Call {
  readonly method: WriteMethod;
  readonly args: readonly unknown[];
}

/** The callback of a call. Wrappers may have added arguments after it. */
export function callbackOf(args: readonly unknown[]): ((error?: Error) => void) | undefined {
  return args.findLast((arg): arg is (error?: Error) => void => typeof arg === "function");
}

/** The response whose waiting calls are being made. */
let replayed: NodeResponse | undefined;

/**
 * Makes the waiting calls, and removes each from the list once it is made. Write methods call each other meanwhile, as
 * Node's `end` calls `writeHead` and `write`; an interceptor of another `sessions` object must let these pass, see
 * {@link isReplayed}.
 *
 * @returns whether the last write filled the response's buffer.
 */
export function replay(response: NodeResponse, originals: WriteMethods, calls: Call[]): boolean {
  const before = replayed;
  replayed = response;
  try {
    let isFull = false;
    let hasWritten = false;
    for (let call = calls[0]; call !== undefined; call = calls[0]) {
      const made: Call = hasWritten && response.stream !== undefined ? withoutEmptyChunk(call) : call;
      const result: unknown = Reflect.apply(originals[made.method], response, made.args);
      calls.shift();
      hasWritten ||= made.method === "write";
      // Over HTTP/2, Node ends a stream with a head that has no body, and then nothing drains.
      if (made.method === "write") isFull = result === false && response.stream?.writableEnded !== true;
    }
    return isFull;
  } finally {
    replayed = before;
  }
}

/**
 * Removes an empty chunk. If several chunks are written to an HTTP/2 stream in one turn and the last is empty, Node
 * 24.21 sends unrelated memory in place of another one; replaying makes the calls of several turns in one.
 */
function withoutEmptyChunk(call: Call): Call {
  const { method, args } = call;
  const [chunk, ...rest] = args;
  const isEmpty = chunk === "" || (chunk instanceof Uint8Array && chunk.length === 0);
  if (!isEmpty || (method !== "write" && method !== "end")) return call;
  if (method === "end") return { method, args: [undefined, ...rest] };
  const callback = callbackOf(args);
  if (callback !== undefined) process.nextTick(callback);
  return { method: "flushHeaders", args: [] };
}

/** Whether the waiting calls of this response are being made now. */
export function isReplayed(response: NodeResponse): boolean {
  return replayed === response;
}

/** The property of a response that holds its interceptor. A symbol, so that proxies pass it on. */
const interceptor = Symbol("coatcheck.interceptor");

/** Whether a response has more than one interceptor. */
const isShared = Symbol("coatcheck.shared");

type Intercepted = NodeResponse & { [interceptor]?: WriteInterceptor; [isShared]?: true };

/**
 * Replaces a response's write methods by calls of an interceptor.
 *
 * All responses get the same four functions, which find the interceptor on the response. Functions of its own would
 * cost each response four objects and keep it alive longer; only a second interceptor, of another `sessions` object,
 * needs them.
 *
 * @returns the original methods, to be called on the response.
 */
export function interceptWrites(response: NodeResponse, by: WriteInterceptor): WriteMethods {
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { writeHead, flushHeaders = nothing, write, end } = response;
  const target: Intercepted = response;
  if (target[interceptor] === undefined) {
    target[interceptor] = by;
    response.writeHead = interceptedWriteHead;
    response.flushHeaders = interceptedFlushHeaders;
    response.write = interceptedWrite;
    response.end = interceptedEnd;
  } else {
    target[isShared] = true;
    const intercepting =
      (method: WriteMethod) =>
      (...args: unknown[]): unknown =>
        by.intercept(method, args);
    response.writeHead = intercepting("writeHead");
    response.flushHeaders = intercepting("flushHeaders");
    response.write = intercepting("write");
    response.end = intercepting("end");
  }
  return { writeHead, flushHeaders, write, end };
}

/**
 * Removes whatever has wrapped the write methods since, so that an error response is not mixed with what wrappers keep
 * of the page. If several `sessions` objects buffer the response, all of them stay.
 */
export function unwrap(response: NodeResponse, by: WriteInterceptor): void {
  const target: Intercepted = response;
  if (target[interceptor] !== by || target[isShared] === true) return;
  response.writeHead = interceptedWriteHead;
  response.flushHeaders = interceptedFlushHeaders;
  response.write = interceptedWrite;
  response.end = interceptedEnd;
}

/** Whether nobody has wrapped a response's `writeHead` since it was intercepted. */
export function isIntercepted(response: NodeResponse): boolean {
  return response.writeHead === interceptedWriteHead;
}

function interceptedWriteHead(this: Intercepted, ...args: unknown[]): unknown {
  return this[interceptor]?.intercept("writeHead", args);
}

function interceptedFlushHeaders(this: Intercepted, ...args: unknown[]): unknown {
  return this[interceptor]?.intercept("flushHeaders", args);
}

function interceptedWrite(this: Intercepted, ...args: unknown[]): unknown {
  return this[interceptor]?.intercept("write", args);
}

function interceptedEnd(this: Intercepted, ...args: unknown[]): unknown {
  return this[interceptor]?.intercept("end", args);
}

/** Whether a call ends a response without writing a chunk. */
export function isBareEnd(method: WriteMethod, [chunk]: readonly unknown[]): boolean {
  return method === "end" && (!chunk || typeof chunk === "function");
}

/**
 * Throws what Node throws at once for a chunk of another type. If this waited for the commit, a failure of the handler
 * would count as a page.
 */
export function assertWritable(method: "write" | "end", [chunk, encoding]: readonly unknown[]): void {
  if (isBareEnd(method, [chunk])) return;
  if (typeof chunk === "string") {
    if (typeof encoding !== "string" || encoding === "" || Buffer.isEncoding(encoding)) return;
    throw Object.assign(new TypeError(`Unknown encoding: ${encoding}`), { code: "ERR_UNKNOWN_ENCODING" });
  }
  if (chunk instanceof Uint8Array) return;
  const error = new TypeError("A response is written in strings and Uint8Arrays.");
  throw Object.assign(error, {
    code: chunk === null ? "ERR_STREAM_NULL_VALUES" : "ERR_INVALID_ARG_TYPE",
  });
}

/** Throws what Node throws when headers are changed after they were sent. */
export function throwHeadersSent({ stream }: NodeResponse): never {
  const error = new Error("The response's headers are sent and can't be changed.");
  throw Object.assign(error, {
    code: stream === undefined ? "ERR_HTTP_HEADERS_SENT" : "ERR_HTTP2_HEADERS_SENT",
  });
}

function nothing(): void {}
