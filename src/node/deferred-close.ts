import type { NodeResponse } from "./messages.ts";

/** An object some of whose methods are put off: by how many, and what was called meanwhile. */
interface PutOff {
  holders: number;
  readonly wanted: (() => unknown)[];
  readonly restore: () => void;
}

const putOff = new WeakMap<object, PutOff>();

/**
 * Puts off the end of a response's connection until the response has left. In Node an answer that was given is
 * on its way at once, and arrives although the connection is ended right after it; one that waits would not.
 *
 * @returns lets go; the last to do so ends the connection, if somebody wanted that meanwhile. `undefined` where there
 *   is no connection.
 */
export function deferSocketClose({ socket, stream }: NodeResponse): (() => void) | undefined {
  // Over HTTP/2 many responses share a connection.
  if (socket === undefined || socket === null || stream !== undefined) return undefined;
  return keep(socket, ["destroy", "destroySoon", "end"]);
}

/**
 * The same for `response.destroy`, as `pipeline` calls it when its source fails, and over HTTP/2 for the stream's `close`:
 * what was written before it leaves first.
 */
export function deferDestroy(response: NodeResponse): () => void {
  const letGo = keep(response, ["destroy"]);
  if (response.stream === undefined) return letGo;
  const letGoOfStream = keep(response.stream, ["close"]);
  return () => {
    letGo();
    letGoOfStream();
  };
}

function keep(object: object, names: readonly string[]): () => void {
  const found = putOff.get(object) ?? begin(object, names);
  found.holders++;
  return () => {
    found.holders--;
    if (found.holders > 0) return;
    putOff.delete(object);
    found.restore();
    if (found.wanted.length === 0) return;
    // Node gathers the writes of one turn, and sends them at its end.
    setImmediate(() => {
      for (const call of found.wanted) call();
    });
  };
}

function begin(object: object, names: readonly string[]): PutOff {
  const wanted: (() => unknown)[] = [];
  const originals = new Map<string, unknown>();
  for (const name of names) {
    const original: unknown = Reflect.get(object, name);
    if (typeof original !== "function") continue;
    originals.set(name, original);
    const later = (...args: unknown[]): unknown => {
      wanted.push((): unknown => Reflect.apply(original, object, args));
      return object;
    };
    Reflect.set(object, name, later);
  }
  const restore = (): void => {
    for (const [name, original] of originals) Reflect.set(object, name, original);
  };
  const made: PutOff = { holders: 0, wanted, restore };
  putOff.set(object, made);
  return made;
}
