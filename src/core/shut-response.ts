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
 * What is laid between responses and their prototype, one layer for each prototype there is.
 *
 * A property of its own with a getter would do on each response, but costs 15 us: it gives every response
 * a shape of its own, which the garbage collector keeps for old.
 */
const layers = new WeakMap<object, object>();

/** Makes a response look as its appearance says at any time, for good; while it is not shut, as it is. */
export function dress(response: NodeResponse, appearance: Appearance): void {
  appearances.set(response, appearance);
  const prototype: unknown = Object.getPrototypeOf(response);
  if (typeof prototype === "object" && prototype !== null) {
    Object.setPrototypeOf(response, layers.get(prototype) ?? layerOver(prototype));
  }
}

function layerOver(prototype: object): object {
  const layer: object = Object.create(prototype, {
    ...getter(prototype, "headersSent", () => true),
    ...getter(prototype, "writableEnded", ({ isEnded }) => isEnded),
    ...getter(prototype, "writableNeedDrain", ({ isFull }) => isFull),
    // What throws in Node once headers have left; `setHeaders` is a layer over these.
    ...refusal(prototype, "setHeader"),
    ...refusal(prototype, "appendHeader"),
    ...refusal(prototype, "removeHeader"),
  });
  layers.set(prototype, layer);
  layers.set(layer, layer);
  return layer;
}

function getter(
  prototype: object,
  name: string,
  shown: (appearance: Appearance) => boolean,
): PropertyDescriptorMap {
  return {
    [name]: {
      configurable: true,
      get(this: object): unknown {
        const appearance = appearances.get(this);
        return appearance?.isShut === true ? shown(appearance) : Reflect.get(prototype, name, this);
      },
    },
  };
}

function refusal(prototype: object, name: string): PropertyDescriptorMap {
  return {
    [name]: {
      configurable: true,
      writable: true,
      value(this: object, ...args: unknown[]): unknown {
        if (appearances.get(this)?.isShut === true) refuseHeader();
        const original: unknown = Reflect.get(prototype, name, this);
        return typeof original === "function" ? Reflect.apply(original, this, args) : undefined;
      },
    },
  };
}
