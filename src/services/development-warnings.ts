import { assertKnownOptions } from "../runtime/check-options.ts";
import type { RequestLike } from "../http/request.ts";

/** Which warnings are printed during development. */
export interface DevelopmentWarnings {
  /** DEV_COOKIE_OVER_HTTP: the session cookie was sent over a connection on which browsers drop it. */
  readonly cookieOverHttp?: boolean;
  /** DEV_ORIGIN_MISMATCH: a request was refused that may have come from a page of this site. */
  readonly originMismatch?: boolean;
  /** DEV_OTHER_KEY: a session cookie was rejected because another key signed it. */
  readonly otherKey?: boolean;
  /** DEV_MEMORY_STORE_TWICE: `createSessions` was called again with a new memory store, so everybody is logged out. */
  readonly memoryStoreTwice?: boolean;
}

const kinds = [
  "cookieOverHttp",
  "originMismatch",
  "otherKey",
  "memoryStoreTwice",
] as const satisfies readonly (keyof DevelopmentWarnings)[];

/**
 * A global symbol, so that the state survives module reloads and is shared by all copies of this package. The
 * number changes with the shape of the state.
 */
const stateKey = Symbol.for("coatcheck.development.1");

interface State {
  /** The codes of the warnings that were printed. */
  readonly told: Set<string>;
  /** The most recent memory store, by the name of the session cookie. */
  readonly memoryStores: Map<string, WeakRef<object>>;
}

function globalState(): State {
  const holder: object & { [stateKey]?: State } = globalThis;
  return (holder[stateKey] ??= { told: new Set(), memoryStores: new Map() });
}

/**
 * Warns developers about problems that browsers do not report: one line on the console, once in a process for
 * each kind, with a code and how to fix it. Called only when `sessions` is created, a cookie is sent, a request is
 * refused or a ticket is rejected.
 *
 * @internal
 */
export class DevelopmentAdvice {
  readonly #isOn: Required<DevelopmentWarnings>;

  constructor(isOn: Required<DevelopmentWarnings>) {
    this.#isOn = isOn;
  }

  /** Call it when the response to this request sets a Secure session cookie. */
  cookieSent(request: RequestLike): void {
    if (!this.#isOn.cookieOverHttp || !isPlainHttp(request) || isThisMachine(request)) return;
    warn(
      "DEV_COOKIE_OVER_HTTP",
      "The session cookie was sent over plain http, where browsers drop Secure cookies except from localhost: " +
        "this visitor will not be logged in. Use https or http://localhost; or, for development only, set " +
        'cookie: { name: "session", secure: false }. If a proxy handles https for this server, let it send X-Forwarded-Proto.',
    );
  }

  /** Call it when this request was refused because of its origin. */
  refused(request: RequestLike): void {
    if (!this.#isOn.originMismatch) return;
    const origin = URL.parse(request.header("origin") ?? "");
    if (origin === null) return;
    const isSameHost = origin.hostname === hostnameOf(request);
    // If the browser says that the page belongs to another site, there is nothing to fix.
    if ((request.header("sec-fetch-site") ?? "") !== "" && !isSameHost) return;
    warn(
      "DEV_ORIGIN_MISMATCH",
      "A request was refused with 403 because its Origin does not match its Host header" +
        (isSameHost ? "; only the port or the scheme differs" : "") +
        ". If your own page sent it, there are two possible causes. If a proxy changes Host, let it pass Host on, or set " +
        'crossOrigin: { origins: ["https://your.site"] }. If the page has a different port than this server, add its origin to ' +
        "crossOrigin.trustedOrigins.",
    );
  }

  /** Call it when a ticket had the right form, but its mac fits no key. */
  forged(): void {
    if (!this.#isOn.otherKey) return;
    warn(
      "DEV_OTHER_KEY",
      "A session cookie was rejected because it was signed with another key, or for another cookie name. Two apps on one " +
        "host share their cookies, whatever their ports: give each its own cookie: { name }. If your secret key changes with every start, use a fixed one.",
    );
  }

  /** Call it when a `sessions` object is created. */
  created(store: { readonly name: string; readonly inProcess: boolean }, cookie: string): void {
    if (!this.#isOn.memoryStoreTwice || !store.inProcess || store.name !== "memory") return;
    const { memoryStores } = globalState();
    const last = memoryStores.get(cookie)?.deref();
    memoryStores.set(cookie, new WeakRef(store));
    if (last === undefined || last === store) return;
    warn(
      "DEV_MEMORY_STORE_TWICE",
      "createSessions was called again with another memory store, as when a development server reloads a module: " +
        "the sessions in the first store are lost. Keep the store on globalThis, use sqliteStore, or give each call its own cookie name.",
    );
  }
}

/**
 * @param option `true` or `false` for all warnings, or a setting for each. NODE_ENV decides about the rest.
 * @returns `undefined` if all warnings are off.
 * @throws ConfigError CONFIG_INVALID if there is no such warning.
 *
 * @internal
 */
export function createDevelopmentAdvice(
  option: boolean | DevelopmentWarnings | undefined,
): DevelopmentAdvice | undefined {
  const choices = typeof option === "object" ? option : {};
  assertKnownOptions(choices, kinds, "developmentWarnings");
  const all = typeof option === "boolean" ? option : isDevelopment();
  const { cookieOverHttp = all, originMismatch = all, otherKey = all, memoryStoreTwice = all } = choices;
  const isOn = { cookieOverHttp, originMismatch, otherKey, memoryStoreTwice };
  return Object.values(isOn).includes(true) ? new DevelopmentAdvice(isOn) : undefined;
}

/** The part of Deno's API that is used here. */
interface DenoPermissions {
  readonly permissions: { querySync(of: { name: "env"; variable: string }): { readonly state: string } };
}

/** The one place where this package reads the environment (decision 075). */
function isDevelopment(): boolean {
  try {
    // Without this query, Deno would pause the program and ask the user for permission.
    const { Deno: deno }: { Deno?: DenoPermissions } = globalThis as object;
    const permission = deno?.permissions.querySync({ name: "env", variable: "NODE_ENV" });
    if (permission !== undefined && permission.state !== "granted") return false;
    // Written in the form that bundlers replace. Most people never set it, so no value means development.
    const mode = process.env.NODE_ENV;
    return mode !== "production" && mode !== "test";
  } catch {
    // There is no environment, or it can't be read.
    return false;
  }
}

function warn(code: string, message: string): void {
  const { told } = globalState();
  if (told.has(code)) return;
  told.add(code);
  if (typeof process.emitWarning === "function")
    process.emitWarning(message, { type: "CoatcheckWarning", code });
  // oxlint-disable-next-line no-console -- for runtimes that have no warnings of their own
  else console.warn(`[${code}] ${message}`);
}

/** Whether the browser used plain http, as far as the request tells. */
function isPlainHttp(request: RequestLike): boolean {
  // Browsers send this only on connections they trust (Fetch Metadata, 2.1), whatever proxies are in between.
  if ((request.header("sec-fetch-site") ?? "") !== "") return false;
  if (request.header("origin")?.startsWith("https:") === true) return false;
  const forwarded =
    request.header("x-forwarded-proto") ?? /\bproto="?([a-z]+)/i.exec(request.header("forwarded") ?? "")?.[1];
  return forwarded === undefined ? request.secure === false : !/\bhttps\b/i.test(forwarded);
}

function hostnameOf(request: RequestLike): string {
  return URL.parse(`http://${request.header("host") ?? ""}`)?.hostname ?? "";
}

/** Whether the browser runs on this machine. It then accepts Secure cookies over http. */
function isThisMachine(request: RequestLike): boolean {
  return /^(?:|localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostnameOf(request));
}
