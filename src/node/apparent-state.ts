import { throwHeadersSent } from "./errors.ts";
import type { NodeResponse } from "./messages.ts";
import { ReturnOverride, FastWeakMap } from "../runtime/fast-weak-map.ts";

/** What a buffered response shows of itself. */
export interface ApparentState {
  /** Whether it looks as if its headers were sent. */
  readonly areHeadersSent: boolean;
  readonly isEnded: boolean;
  /** Whether writers should wait for `drain`. */
  readonly needsDrain: boolean;
}

/** Shadows the inherited getter. `Object.defineProperty` takes twenty times as long. */
class HeadersSent extends ReturnOverride {
  readonly headersSent = true;
}

/** Makes a response look as if its headers were sent: it says so, and refuses changes of headers meanwhile. */
export function pretendHeadersSent(response: NodeResponse, state: ApparentState): void {
  // These throw in Node after headers are sent; `setHeaders` calls them.
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the response
  const { setHeader, appendHeader, removeHeader } = response;
  // V8 allocates a function literal assigned directly to a property in old space, which would keep every response
  // alive until a major collection.
  const refusing =
    <Args extends unknown[]>(original: (...args: Args) => unknown) =>
    (...args: Args): unknown => {
      if (state.areHeadersSent) throwHeadersSent(response);
      return Reflect.apply(original, response, args);
    };
  response.setHeader = refusing(setHeader);
  response.appendHeader = refusing(appendHeader);
  response.removeHeader = refusing(removeHeader);
  // Last, because the property added last is the cheapest to delete.
  new HeadersSent(response); // oxlint-disable-line no-new -- it adds a field to the response
}

/** Sets `finished`, which older middleware reads and Node's own `end` looks at: a plain property in HTTP/1. */
export function pretendFinished(response: NodeResponse): void {
  if (response.stream === undefined) Reflect.set(response, "finished", true);
}

/** Undoes {@link pretendHeadersSent} and {@link pretendFinished}. Call it while the state still tells which were called. */
export function restoreState(response: NodeResponse, state: ApparentState): void {
  if (state.areHeadersSent) Reflect.deleteProperty(response, "headersSent");
  if (state.isEnded && response.stream === undefined) Reflect.set(response, "finished", false);
}

const states = new FastWeakMap<ApparentState>();

/** Makes a response show what Node shows after a write, for as long as its headers look sent. */
export function pretendWritten(response: NodeResponse, state: ApparentState): void {
  states.set(response, state);
  Object.defineProperty(response, "writableEnded", writableEnded);
  if (response.stream !== undefined) Object.defineProperty(response, "finished", finished);
  Object.defineProperty(response, "writableNeedDrain", writableNeedDrain);
}

// All responses share these getters. Getters of its own would give each response a hidden class of its own (15 us).
const writableEnded = shown("writableEnded", ({ isEnded }) => isEnded);
const finished = shown("finished", ({ isEnded }) => isEnded);
const writableNeedDrain = shown("writableNeedDrain", ({ needsDrain }) => needsDrain);

function shown(name: string, show: (state: ApparentState) => boolean): PropertyDescriptor {
  return {
    configurable: true,
    get(this: object): unknown {
      const state = states.get(this);
      if (state?.areHeadersSent === true) return show(state);
      const prototype: unknown = Object.getPrototypeOf(this);
      return typeof prototype === "object" && prototype !== null
        ? Reflect.get(prototype, name, this)
        : undefined;
    },
  };
}
