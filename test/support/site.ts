import { AssertionError } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, SessionsOptions, Store } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { probeStore, testClock } from "coatcheck/testing";
import type { StoreProbe, TestClock } from "coatcheck/testing";
import { Hono } from "hono";
import { CookieJar } from "./cookie-jar.ts";

/** A handler, whatever the adapter: `at` is what `sessions.of` takes. */
export type SiteHandler = (at: object) => Response | Promise<Response>;

export type StoreKind = "memory" | "sqlite";
export type AdapterKind = "fetch" | "hono";

export const storeKinds: readonly StoreKind[] = ["memory", "sqlite"];
const adapterKinds: readonly AdapterKind[] = ["fetch", "hono"];

/** Where the site of the tests is. */
export const home = "https://site.example/";

export interface SiteSetup {
  readonly store?: StoreKind;
  readonly adapter?: AdapterKind;
  /** A store instead of one of the kinds. */
  readonly over?: Store;
  readonly options?: Partial<SessionsOptions>;
}

/** A store of a kind, which is gone when the test is. */
function freshStore(t: TestContext, kind: StoreKind): Store {
  if (kind === "memory") return memoryStore();
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  const store = sqliteStore({ path: join(folder, "sessions.db") });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return store;
}

/** A site with a `sessions` object, a clock that stands still, and a store that is watched. */
export class Site {
  readonly clock: TestClock;
  /** The store of its sessions, and the lookout over it. */
  readonly store: Store;
  readonly probe: StoreProbe;
  readonly secret: string;
  readonly sessions: Sessions;
  readonly adapter: AdapterKind;

  constructor(t: TestContext, setup: SiteSetup = {}) {
    this.clock = testClock();
    this.secret = generateSecret();
    this.adapter = setup.adapter ?? "fetch";
    this.probe = probeStore(setup.over ?? freshStore(t, setup.store ?? "memory"));
    this.store = this.probe.store;
    this.sessions = this.sessionsWith(setup.options);
  }

  /** Another `sessions` object over the same store and clock, with the same secret unless told otherwise. */
  sessionsWith(options: Partial<SessionsOptions> = {}): Sessions {
    return createSessions({ secret: this.secret, store: this.store, clock: this.clock, ...options });
  }

  visitor(sessions: Sessions = this.sessions): Visitor {
    return new Visitor(this, sessions);
  }

  /** Sends a request through the adapter. @throws what the handler asserts in vain: no test would look at its 500. */
  async send(request: Request, handler: SiteHandler, sessions: Sessions = this.sessions): Promise<Response> {
    const failed: AssertionError[] = [];
    const onError = (error: unknown): Response => {
      if (error instanceof AssertionError) failed.push(error);
      return new Response(error instanceof Error ? error.name : "", { status: 500 });
    };
    const response = await this.#respond(request, handler, sessions, onError);
    for (const error of failed) throw error;
    return response;
  }

  async #respond(
    request: Request,
    handler: SiteHandler,
    sessions: Sessions,
    onError: (error: unknown) => Response,
  ): Promise<Response> {
    if (this.adapter === "fetch") return fetchSessions(sessions, handler, { onError })(request);
    const app = new Hono();
    app.use(honoSessions(sessions));
    app.all("*", (c) => handler(c));
    app.onError(onError);
    return app.fetch(request);
  }
}

export interface Visit {
  readonly url?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** The Cookie header instead of the jar's. */
  readonly cookie?: string | undefined;
  /** What the handler answers; default 200. */
  readonly status?: number;
}

/** Somebody with a browser. */
export class Visitor {
  readonly jar: CookieJar;
  readonly #site: Site;
  readonly sessions: Sessions;
  /** The last response. */
  last = new Response();

  constructor(site: Site, sessions: Sessions) {
    this.#site = site;
    this.sessions = sessions;
    this.jar = new CookieJar(() => site.clock.now());
  }

  /** The session cookie's value. */
  get ticket(): string | undefined {
    return this.jar.get("__Host-Http-session")?.value;
  }

  /** Sends a request and keeps the response's cookies. */
  async send(handler: SiteHandler, visit: Visit = {}): Promise<Response> {
    const url = visit.url ?? home;
    const response = await this.sendQuietly(handler, visit);
    this.jar.receiveAll(response, url);
    return response;
  }

  /** Sends a request; its response's cookies do not reach the jar. */
  async sendQuietly(handler: SiteHandler, visit: Visit = {}): Promise<Response> {
    const url = visit.url ?? home;
    const cookie = "cookie" in visit ? visit.cookie : this.jar.header(url);
    const headers = { ...visit.headers, ...(cookie === undefined ? {} : { cookie }) };
    const request = new Request(url, { method: visit.method ?? "GET", headers });
    this.last = await this.#site.send(request, handler, this.sessions);
    return this.last;
  }

  /** Visits a page whose handler does this with the session; answers what it returned. */
  async with<T>(use: (session: Session) => T | Promise<T>, visit: Visit = {}): Promise<T> {
    let result: { value: T } | undefined;
    let failure: unknown;
    await this.send(async (at) => {
      try {
        result = { value: await use(await this.sessions.of(at)) };
      } catch (error) {
        failure = error;
        throw error;
      }
      const status = visit.status ?? 200;
      const headers = status >= 300 && status < 400 && status !== 304 ? { location: "/next" } : {};
      return new Response(status === 304 ? null : "page", { status, headers });
    }, visit);
    if (result === undefined) throw failure;
    return result.value;
  }

  /** Who the site takes this visitor for. */
  subject(visit: Visit = {}): Promise<string | undefined> {
    return this.with((session) => session.subject, visit);
  }

  /** Logs in by a page of its own. */
  login(subject: string): Promise<void> {
    return this.with((session) => session.login(subject), { method: "POST" });
  }
}

/** Runs a test on both stores through both adapters. */
export function testEverywhere(name: string, body: (site: Site, t: TestContext) => Promise<void>): void {
  for (const store of storeKinds) {
    for (const adapter of adapterKinds) {
      test(`${name} (${store}, ${adapter})`, (t) => body(new Site(t, { store, adapter }), t));
    }
  }
}

/** Runs a test on both stores. */
export function testOnStores(
  name: string,
  body: (site: Site, t: TestContext) => Promise<void>,
  options: Partial<SessionsOptions> = {},
): void {
  for (const store of storeKinds) {
    test(`${name} (${store})`, (t) => body(new Site(t, { store, options }), t));
  }
}
