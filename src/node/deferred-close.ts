import type { NodeResponse } from "./messages.ts";

/** An object whose closing methods are deferred, and the calls made meanwhile. */
interface Deferred {
  holders: number;
  readonly calls: (() => unknown)[];
  readonly restore: () => void;
}

const deferred = new WeakMap<object, Deferred>();

/**
 * Defers the end of a response's connection until the response is sent. In Node a response arrives although its
 * connection is ended right after it; one that waits for the commit would not.
 *
 * @returns a function that stops deferring; the last call makes the deferred calls. `undefined` if there is no connection.
 */
export function deferSocketClose({ socket, stream }: NodeResponse): (() => void) | undefined {
  // Over HTTP/2 many responses share a connection.
  if (socket === undefined || socket === null || stream !== undefined) return undefined;
  return defer(socket, ["destroy", "destroySoon", "end"]);
}

/**
 * Defers `response.destroy`, which `pipeline` calls if its source fails, and `close` of an HTTP/2 stream, so that what
 * was written before is sent first.
 */
export function deferDestroy(response: NodeResponse): () => void {
  const release = defer(response, ["destroy"]);
  if (response.stream === undefined) return release;
  const releaseStream = defer(response.stream, ["close"]);
  return () => {
    release();
    releaseStream();
  };
}

function defer(object: object, names: readonly string[]): () => void {
  const found = deferred.get(object) ?? startDeferring(object, names);
  found.holders++;
  return () => {
    found.holders--;
    if (found.holders > 0) return;
    deferred.delete(object);
    found.restore();
    if (found.calls.length === 0) return;
    // Node sends the writes of one turn at its end.
    setImmediate(() => {
      for (const call of found.calls) call();
    });
  };
}

function startDeferring(object: object, names: readonly string[]): Deferred {
  const calls: (() => unknown)[] = [];
  const originals = new Map<string, unknown>();
  for (const name of names) {
    const original: unknown = Reflect.get(object, name);
    if (typeof original !== "function") continue;
    originals.set(name, original);
    const later = (...args: unknown[]): unknown => {
      calls.push((): unknown => Reflect.apply(original, object, args));
      return object;
    };
    Reflect.set(object, name, later);
  }
  const restore = (): void => {
    for (const [name, original] of originals) Reflect.set(object, name, original);
  };
  const made: Deferred = { holders: 0, calls, restore };
  deferred.set(object, made);
  return made;
}
