import { ConfigError } from "../errors.ts";
import type { Incoming } from "../http/request.ts";

/** What {@link DevelopmentWarnings} can be switched off for, one by one. */
export interface DevelopmentWarnings {
  /** DEV_COOKIE_OVER_HTTP: the session cookie was sent where browsers drop it. */
  readonly cookieOverHttp?: boolean;
  /** DEV_ORIGIN_MISMATCH: a request was refused that may well have come from a page of this site. */
  readonly originMismatch?: boolean;
  /** DEV_OTHER_KEY: a session cookie was not taken, since another key signed it. */
  readonly otherKey?: boolean;
  /** DEV_MEMORY_STORE_TWICE: the hub was made again with a memory store, and everybody is logged out. */
  readonly memoryStoreTwice?: boolean;
}

const kinds = [
  "cookieOverHttp",
  "originMismatch",
  "otherKey",
  "memoryStoreTwice",
] as const satisfies readonly (keyof DevelopmentWarnings)[];

/** Outlives the reload of modules, and is one for all copies of this package. The number changes with the shape. */
const place = Symbol.for("coatcheck.development.1");

interface Remembered {
  readonly told: Set<string>;
  /** The store of the last hub that keeps sessions in memory, by the name of its cookie. */
  readonly memoryStores: Map<string, WeakRef<object>>;
}

function remembered(): Remembered {
  const holder: object & { [place]?: Remembered } = globalThis;
  return (holder[place] ??= { told: new Set(), memoryStores: new Map() });
}

/**
 * Tells a developer, once in a process for each kind, what happened that a browser does not say: one line on the
 * console, with a code and the way out. Asked only where a cookie is sent, a request refused or a ticket not taken.
 *
 * @internal
 */
export class Advice {
  readonly #isOn: Required<DevelopmentWarnings>;

  constructor(isOn: Required<DevelopmentWarnings>) {
    this.#isOn = isOn;
  }

  /** A Secure session cookie goes out in answer to this request. */
  cookieSent(request: Incoming): void {
    if (!this.#isOn.cookieOverHttp || !isPlainHttp(request) || isThisMachine(request)) return;
    warn(
      "DEV_COOKIE_OVER_HTTP",
      "The session cookie was sent over plain http, where browsers drop Secure cookies except from localhost: " +
        "this visitor will not be logged in. Use https or http://localhost; or, for development only, " +
        'cookie: { name: "session", secure: false }. If a proxy speaks https for this server, let it send X-Forwarded-Proto.',
    );
  }

  /** This request was refused for its origin. */
  refused(request: Incoming): void {
    if (!this.#isOn.originMismatch) return;
    const origin = URL.parse(request.header("origin") ?? "");
    if (origin === null) return;
    const isSameHost = origin.hostname === hostnameOf(request);
    // Where the browser says that the page was another site's there is nothing to mend.
    if ((request.header("sec-fetch-site") ?? "") !== "" && !isSameHost) return;
    warn(
      "DEV_ORIGIN_MISMATCH",
      "A request was refused with 403, since its Origin is not what its Host header says" +
        (isSameHost ? ", though only the port or the scheme differs" : "") +
        ". If your own page sent it, either a proxy changes Host: let it pass Host on, or say " +
        'crossOrigin: { origins: ["https://your.site"] }; or the page has another port than this server: name its origin in ' +
        "crossOrigin.trustedOrigins.",
    );
  }

  /** A ticket of the right shape came, and no key of ours made its mac. */
  forged(): void {
    if (!this.#isOn.otherKey) return;
    warn(
      "DEV_OTHER_KEY",
      "A session cookie was not taken, since it was signed with another key, or for another cookie name. Two apps on one " +
        "host share their cookies, whatever their ports: give each its own cookie: { name }. If your secret key changes with every start, keep it.",
    );
  }

  /** A hub was made. */
  made(store: { readonly name: string; readonly inProcess: boolean }, cookie: string): void {
    if (!this.#isOn.memoryStoreTwice || !store.inProcess || store.name !== "memory") return;
    const { memoryStores } = remembered();
    const last = memoryStores.get(cookie)?.deref();
    memoryStores.set(cookie, new WeakRef(store));
    if (last === undefined || last === store) return;
    warn(
      "DEV_MEMORY_STORE_TWICE",
      "createSessions was called again with another memory store, as when a development server loads a module anew: " +
        "what the first one held is not found any more. Keep the store on globalThis, use sqliteStore, or give the hubs different cookie names.",
    );
  }
}

/**
 * @param option `true` or `false` for all of them, or for each by itself; otherwise NODE_ENV says.
 * @returns `undefined` where nothing is to be told.
 * @throws ConfigError CONFIG_INVALID for a warning that is none.
 *
 * @internal
 */
export function createAdvice(option: boolean | DevelopmentWarnings | undefined): Advice | undefined {
  const asked = typeof option === "object" ? option : {};
  for (const name of Object.keys(asked)) {
    if (!kinds.some((kind) => kind === name)) {
      throw new ConfigError(
        "CONFIG_INVALID",
        `developmentWarnings.${name} is unknown; there are ${kinds.join(", ")}.`,
      );
    }
  }
  const all = typeof option === "boolean" ? option : isDevelopment();
  const { cookieOverHttp = all, originMismatch = all, otherKey = all, memoryStoreTwice = all } = asked;
  const isOn = { cookieOverHttp, originMismatch, otherKey, memoryStoreTwice };
  return Object.values(isOn).includes(true) ? new Advice(isOn) : undefined;
}

/** What is used of Deno. */
interface DenoPermissions {
  readonly permissions: { querySync(of: { name: "env"; variable: string }): { readonly state: string } };
}

/** The one place where this package reads the environment (decision 075). */
function isDevelopment(): boolean {
  try {
    // Deno would stop the program and ask whoever started it.
    const { Deno: deno }: { Deno?: DenoPermissions } = globalThis as object;
    const asked = deno?.permissions.querySync({ name: "env", variable: "NODE_ENV" });
    if (asked !== undefined && asked.state !== "granted") return false;
    // Written as bundlers replace it. Most people never set it, so what is not said is development.
    const mode = process.env.NODE_ENV;
    return mode !== "production" && mode !== "test";
  } catch {
    // There is none here, or it may not be read.
    return false;
  }
}

function warn(code: string, message: string): void {
  const { told } = remembered();
  if (told.has(code)) return;
  told.add(code);
  if (typeof process.emitWarning === "function")
    process.emitWarning(message, { type: "CoatcheckWarning", code });
  // oxlint-disable-next-line no-console -- where a runtime has no warnings of its own
  else console.warn(`[${code}] ${message}`);
}

/** Whether the browser asked over plain http, as far as anybody says. */
function isPlainHttp(request: Incoming): boolean {
  // Browsers send this only where they trust the connection (Fetch Metadata, 2.1), whatever lies between.
  if ((request.header("sec-fetch-site") ?? "") !== "") return false;
  if (request.header("origin")?.startsWith("https:") === true) return false;
  const forwarded =
    request.header("x-forwarded-proto") ?? /\bproto="?([a-z]+)/i.exec(request.header("forwarded") ?? "")?.[1];
  return forwarded === undefined ? request.secure === false : !/\bhttps\b/i.test(forwarded);
}

function hostnameOf(request: Incoming): string {
  return URL.parse(`http://${request.header("host") ?? ""}`)?.hostname ?? "";
}

/** Whether the browser runs on this machine: there it takes Secure cookies over http. */
function isThisMachine(request: Incoming): boolean {
  return /^(?:|localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostnameOf(request));
}
