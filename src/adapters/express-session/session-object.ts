import { MisuseError } from "../../errors.ts";
import type { RequestCookie } from "./cookie.ts";

/** Called when a method has finished, with its error if it failed. */
export type Callback = (error?: unknown) => void;

/**
 * The methods of `req.session`. Each takes a callback, or returns a promise. A callback is called exactly once, after
 * the method has returned.
 */
export interface SessionMethods {
  /**
   * Ends the session and begins another, without data and with another id. `req.session` is the new session at once;
   * the old object keeps what it had, to read.
   */
  regenerate(): Promise<void>;
  regenerate(callback: Callback): this;
  /** Ends the session: its data is wiped, its cookie is invalid on every server. `req.session` is then `undefined`. */
  destroy(): Promise<void>;
  destroy(callback: Callback): this;
  /** Drops the changes of this request and reads the session again. Fails with SESSION_ENDED if it has ended. */
  reload(): Promise<void>;
  reload(callback: Callback): this;
  /**
   * Writes the changes of this request now, even if the handler fails later. Begins a session if there is none, even
   * without data. Not needed before the response: what was changed is written before its first byte.
   */
  save(): Promise<void>;
  save(callback: Callback): this;
  /** Does nothing: every use of the session counts, and the response is a use. */
  touch(): this;
  /** Does nothing, for the same reason. */
  resetMaxAge(): this;
}

/** `req.session`: the data as properties, and the methods. */
export type RequestSession<Data extends object> = Partial<Data> &
  SessionMethods & {
    /** The public name of the session. It stays the same until `regenerate`. */
    readonly id: string;
    /** The lifetime of the session, and the attributes of its cookie. */
    cookie: RequestCookie;
  };

/** A session's data, or a copy of it. */
export interface DataView {
  get(key: string): unknown;
  has(key: string): boolean;
  keys(): string[];
  set(key: string, value: unknown): void;
  delete(key: string): boolean;
}

/** The methods that work in the store. */
export type Work = "regenerate" | "destroy" | "reload" | "save";

/** What an object for `req.session` shows. */
export interface Shown {
  readonly data: DataView;
  readonly id: string;
  readonly cookie: RequestCookie;
  /** @throws MisuseError AFTER_LOGOUT */
  assertWritable(): void;
  /** Starts the work of a method. */
  start(work: Work): Promise<void>;
}

const works: ReadonlySet<string> = new Set<Work>(["regenerate", "destroy", "reload", "save"]);
const reserved: ReadonlySet<string> = new Set([...works, "touch", "resetMaxAge", "id", "cookie", "req"]);

/** The property by which a proxy's target finds its handler. */
const handler: unique symbol = Symbol("handler");

/** The target of the proxy. Programs that print a session see this, and no data. */
class Session {
  declare readonly [handler]: SessionObject;

  /** Node calls it on the proxy. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { id, keys } = this[handler];
    return `Session { id: '${id}', keys: [${keys.join(", ")}] }`;
  }
}

/** The object that is `req.session` until the session ends or another begins. */
export class SessionObject implements ProxyHandler<Session> {
  readonly proxy: Session;
  #shown: Shown;
  readonly #methods = new Map<string, unknown>();

  constructor(shown: Shown) {
    this.#shown = shown;
    this.proxy = new Proxy(new Session(), this);
  }

  get id(): string {
    return this.#shown.id;
  }

  /** Keeps what it shows now, and changes nothing from here on. */
  detach(): void {
    const { data, id, cookie } = this.#shown;
    const kept = new Map(data.keys().map((key) => [key, data.get(key)]));
    cookie.detach();
    this.#shown = {
      data: {
        get: (key) => kept.get(key),
        has: (key) => kept.has(key),
        keys: () => [...kept.keys()],
        set: (key, value) => void kept.set(key, value),
        delete: (key) => kept.delete(key),
      },
      id,
      cookie,
      assertWritable() {},
      start: async () => {
        throw new MisuseError(
          "AFTER_LOGOUT",
          "This object belongs to a session that regenerate() or destroy() has ended. Use req.session.",
        );
      },
    };
  }

  /** The names of the data's properties. */
  get keys(): string[] {
    return this.#shown.data.keys().filter((key) => !reserved.has(key));
  }

  get(target: Session, key: string | symbol): unknown {
    if (typeof key === "symbol") return key === handler ? this : Reflect.get(target, key);
    if (reserved.has(key)) return this.#ownProperty(key);
    const value = this.#shown.data.get(key);
    return value === undefined ? (Reflect.get(target, key) as unknown) : value;
  }

  has(target: Session, key: string | symbol): boolean {
    return Reflect.has(target, key) || (typeof key === "string" && (this.#hasData(key) || reserved.has(key)));
  }

  set(target: Session, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) return Reflect.defineProperty(Object(receiver), key, ownProperty(value));
    if (typeof key === "symbol") return Reflect.set(target, key, value);
    if (key === "cookie") this.#shown.cookie.take(value);
    else if (key === "id" || key === "req") return false;
    else if (reserved.has(key)) throw isReserved(key);
    else this.#change(key, value);
    return true;
  }

  deleteProperty(target: Session, key: string | symbol): boolean {
    if (typeof key === "symbol") return Reflect.deleteProperty(target, key);
    if (reserved.has(key)) return false;
    if (this.#hasData(key)) {
      this.#shown.assertWritable();
      this.#shown.data.delete(key);
    }
    return true;
  }

  defineProperty(target: Session, key: string | symbol, property: PropertyDescriptor): boolean {
    if (!("value" in property))
      throw new MisuseError("VALUE_NOT_STORABLE", "A session can't store a property with a getter.");
    return this.set(target, key, property.value, this.proxy);
  }

  ownKeys(target: Session): (string | symbol)[] {
    return ["cookie", ...this.keys, ...Reflect.ownKeys(target)];
  }

  getOwnPropertyDescriptor(target: Session, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === "symbol") return Reflect.getOwnPropertyDescriptor(target, key);
    if (key === "id") return { value: this.id, writable: false, enumerable: false, configurable: true };
    if (key === "cookie") return ownProperty(this.#shown.cookie);
    if (reserved.has(key)) return undefined;
    const value = this.#shown.data.get(key);
    return value === undefined ? undefined : ownProperty(value);
  }

  preventExtensions(): boolean {
    return false;
  }

  #ownProperty(key: string): unknown {
    if (key === "id") return this.id;
    if (key === "cookie") return this.#shown.cookie;
    if (key === "req") return undefined;
    let method = this.#methods.get(key);
    if (method === undefined) {
      method = works.has(key)
        ? (callback?: Callback | null) => this.#run(key as Work, callback) // oxlint-disable-line no-unsafe-type-assertion
        : () => this.proxy;
      this.#methods.set(key, method);
    }
    return method;
  }

  #run(work: Work, callback: Callback | null | undefined): unknown {
    const done = this.#shown.start(work);
    if (typeof callback !== "function") {
      // Whoever does not look at the promise, as after `save()` in a socket's listener, does not crash the program.
      done.catch(() => {});
      return done;
    }
    // Outside of the promise, so that what the callback throws is not caught by it.
    done.then(
      () => process.nextTick(callback),
      (error: unknown) => process.nextTick(callback, error),
    );
    return this.proxy;
  }

  #hasData(key: string): boolean {
    return !reserved.has(key) && this.#shown.data.has(key);
  }

  #change(key: string, value: unknown): void {
    const { data } = this.#shown;
    // The value that the property has is no change. If it is an object that was mutated, that is noticed later.
    if (Object.is(data.get(key), value) && (value !== undefined || !data.has(key))) return;
    this.#shown.assertWritable();
    data.set(key, value);
  }
}

/** Returns the data as properties, to read. */
export function viewOf(data: DataView): object {
  return new Proxy(
    {},
    {
      get: (_, key) => (typeof key === "string" ? data.get(key) : undefined),
      has: (_, key) => typeof key === "string" && data.has(key),
      ownKeys: () => data.keys(),
      getOwnPropertyDescriptor: (_, key) =>
        typeof key === "string" && data.has(key) ? ownProperty(data.get(key)) : undefined,
    },
  );
}

function ownProperty(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true };
}

function isReserved(key: string): MisuseError {
  return new MisuseError(
    "KEY_INVALID",
    `"${key}" is a method of req.session. Choose another name for the property.`,
  );
}
