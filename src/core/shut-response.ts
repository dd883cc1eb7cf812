import { refuseHeader } from "./node-errors.ts";
import type { NodeResponse } from "./node-message.ts";
import { Ties } from "./ties.ts";

/** How a held response looks to whoever asks it. */
export interface Appearance {
  /** Whether it looks like one whose headers have left, though they have not. */
  readonly isShut: boolean;
  readonly isEnded: boolean;
  /** Whether more should be written at `drain` only. */
  readonly isFull: boolean;
}

const appearances = new Ties<Appearance>();

/**
 * Makes a response look, as its appearance says at any time, like one whose headers have left: it says
 * so, and takes no more. While it is not shut it is as it was.
 */
export function dressAsHeaded(response: NodeResponse, appearance: Appearance): void {
  appearances.set(response, appearance);
  Object.defineProperty(response, "headersSent", headersSent);
  // What throws in Node once headers have left; `setHeaders` is a layer over these.
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { setHeader, appendHeader, removeHeader } = response;
  // Not written in the assignments, for the reason that `interceptOutlets` gives.
  const refusing =
    <Args extends unknown[]>(original: (...args: Args) => unknown) =>
    (...args: Args): unknown => {
      if (appearance.isShut) refuseHeader();
      return Reflect.apply(original, response, args);
    };
  response.setHeader = refusing(setHeader);
  response.appendHeader = refusing(appendHeader);
  response.removeHeader = refusing(removeHeader);
}

/** The same for what a response shows once something was written to it. */
export function dressAsWritten(response: NodeResponse): void {
  Object.defineProperty(response, "writableEnded", writableEnded);
  Object.defineProperty(response, "writableNeedDrain", writableNeedDrain);
}

/*
 * All responses get the same getters: with one of its own each would have a shape of its own, which
 * costs 15 us, and a prototype laid under a response costs 2.
 */
const headersSent = shown("headersSent", () => true);
const writableEnded = shown("writableEnded", ({ isEnded }) => isEnded);
const writableNeedDrain = shown("writableNeedDrain", ({ isFull }) => isFull);

function shown(name: string, show: (appearance: Appearance) => boolean): PropertyDescriptor {
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
