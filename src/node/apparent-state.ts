import { throwHeadersSent } from "./errors.ts";
import type { NodeResponse } from "./messages.ts";
import { ReturnOverride, FastWeakMap } from "../runtime/fast-weak-map.ts";

/** How a held response looks to whoever asks it. */
export interface ApparentState {
  /** Whether it looks like one whose headers have left, though they have not. */
  readonly isShut: boolean;
  readonly isEnded: boolean;
  /** Whether more should be written at `drain` only. */
  readonly isFull: boolean;
}

/** Defines the property in place of the getter that a response inherits; `Object.defineProperty` takes twenty times as long. */
class Headed extends ReturnOverride {
  readonly headersSent = true;
}

/**
 * Makes a response look like one whose headers have left: it says so, and takes no more while its
 * appearance is shut. Once they have left, that is what it is.
 */
export function pretendHeadersSent(response: NodeResponse, appearance: ApparentState): void {
  // What throws in Node once headers have left; `setHeaders` is a layer over these.
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { setHeader, appendHeader, removeHeader } = response;
  // A function that is written where it is assigned to a property V8 takes for one that stays, and keeps it
  // among the old objects; with it every response would stay until those are collected.
  const refusing =
    <Args extends unknown[]>(original: (...args: Args) => unknown) =>
    (...args: Args): unknown => {
      if (appearance.isShut) throwHeadersSent(response);
      return Reflect.apply(original, response, args);
    };
  response.setHeader = refusing(setHeader);
  response.appendHeader = refusing(appendHeader);
  response.removeHeader = refusing(removeHeader);
  // Last, since what was put on an object last is taken from it in no time.
  new Headed(response); // oxlint-disable-line no-new -- it is the response that it makes something of
}

/** Takes that back, where the headers were not sent after all. */
export function restoreHeadersSent(response: NodeResponse): void {
  Reflect.deleteProperty(response, "headersSent");
}

/**
 * The same for `finished`, by which older middleware knows that a response has ended: a plain property in HTTP/1,
 * and Node's own `end` goes by it.
 */
export function pretendFinished(response: NodeResponse): void {
  if (response.stream === undefined) Reflect.set(response, "finished", true);
}

/** Takes that back, before the response really ends. */
export function restoreFinished(response: NodeResponse): void {
  if (response.stream === undefined) Reflect.set(response, "finished", false);
}

const appearances = new FastWeakMap<ApparentState>();

/** The same for what a response shows once something was written to it. While its appearance is not shut it is as it was. */
export function pretendWritten(response: NodeResponse, appearance: ApparentState): void {
  appearances.set(response, appearance);
  Object.defineProperty(response, "writableEnded", writableEnded);
  if (response.stream !== undefined) Object.defineProperty(response, "finished", finished);
  Object.defineProperty(response, "writableNeedDrain", writableNeedDrain);
}

// All responses get the same getters: with one of its own each would have a shape of its own, which costs 15 us.
const writableEnded = shown("writableEnded", ({ isEnded }) => isEnded);
const finished = shown("finished", ({ isEnded }) => isEnded);
const writableNeedDrain = shown("writableNeedDrain", ({ isFull }) => isFull);

function shown(name: string, show: (appearance: ApparentState) => boolean): PropertyDescriptor {
  return {
    configurable: true,
    get(this: object): unknown {
      const appearance = appearances.get(this);
      if (appearance?.isShut === true) return show(appearance);
      const prototype: unknown = Object.getPrototypeOf(this);
      return typeof prototype === "object" && prototype !== null
        ? Reflect.get(prototype, name, this)
        : undefined;
    },
  };
}
