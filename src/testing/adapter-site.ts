import { StoreError } from "../errors.ts";
import { generateSecret } from "../crypto/keyring.ts";
import { systemClock } from "../runtime/clock.ts";
import { createSessions } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import { CookieJar } from "./cookie-jar.ts";
import type { AdapterSetting, TestData, TestRoute, TestServer } from "./harness.ts";
import { probeStore } from "./store-probe.ts";
import type { ProbedCall, StoreProbe } from "./store-probe.ts";

/** A rule that every adapter must satisfy. Needs no test runner. */
export interface AdapterClause {
  /** The rule as a sentence about the adapter. */
  readonly name: string;
  /**
   * @param setting starts a server on a real socket, and opens a store, for which the memory store is enough.
   * @throws AssertionError if the adapter breaks the rule.
   */
  check(setting: AdapterSetting): Promise<void>;
}

/** The routes of a clause. */
export type AdapterRoutes = Readonly<Record<string, TestRoute>>;

/** @internal Makes a clause that is checked on a site with these routes. */
export function clause(
  name: string,
  routes: (sessions: Sessions<TestData>) => AdapterRoutes,
  check: (site: AdapterSite) => Promise<void>,
): AdapterClause {
  return {
    name,
    async check(setting) {
      const site = await AdapterSite.open(setting, routes);
      try {
        await check(site);
      } finally {
        await site.close();
      }
    },
  };
}

/** @internal A gate: `arrive` resolves `arrived`, and waits until `open` is called. */
export class Gate {
  readonly #arrival = Promise.withResolvers<undefined>();
  readonly #opening = Promise.withResolvers<undefined>();

  /** Resolves when `arrive` is called. */
  get arrived(): Promise<unknown> {
    return this.#arrival.promise;
  }

  async arrive(): Promise<void> {
    this.#arrival.resolve(undefined);
    await this.#opening.promise;
  }

  open(): void {
    this.#opening.resolve(undefined);
  }
}

/** The options of a request. Default: a GET with the jar's cookies. */
export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** @internal One browser and one server. */
export class AdapterSite {
  readonly jar: CookieJar = new CookieJar();
  readonly probe: StoreProbe;
  readonly sessions: Sessions<TestData>;
  readonly #server: TestServer;

  private constructor(probe: StoreProbe, sessions: Sessions<TestData>, server: TestServer) {
    this.probe = probe;
    this.sessions = sessions;
    this.#server = server;
  }

  static async open(
    setting: AdapterSetting,
    routes: (sessions: Sessions<TestData>) => AdapterRoutes,
  ): Promise<AdapterSite> {
    const probe = probeStore(await setting.openStore());
    // The time stands still: a slow machine must not change which calls of the store a request makes. Timers are real.
    const start = Date.now();
    const clock = { ...systemClock, now: () => start };
    const sessions = createSessions<TestData>({ secret: generateSecret(), store: probe.store, clock });
    const server = await setting.start(sessions, { ...common, ...routes(sessions) });
    return new AdapterSite(probe, sessions, server);
  }

  /** Visits a page and stores the response's cookies. The caller reads the body. */
  async visit(path: string, visit: Visit = {}): Promise<Response> {
    const cookie = this.jar.header;
    const headers = cookie === undefined ? {} : { cookie };
    const response = await this.send(path, { ...visit, headers: { ...headers, ...visit.headers } });
    this.jar.take(response);
    return response;
  }

  /** Sends a request without a browser. */
  async send(path: string, visit: Visit = {}): Promise<Response> {
    return this.#server.fetch(new Request(`http://localhost${path}`, visit));
  }

  /** Visits a page and reads it. */
  async read(path: string, visit: Visit = {}): Promise<string> {
    return (await this.visit(path, visit)).text();
  }

  /** Who is logged in, and the data, as a request with the jar's cookies sees them. */
  async state(): Promise<unknown> {
    const state: unknown = JSON.parse(await this.read("/state"));
    return state;
  }

  /** The operations of the store that `work` causes. */
  async callsOf(work: () => Promise<unknown>): Promise<string[]> {
    this.probe.calls.length = 0;
    await work();
    return this.probe.calls.map(({ operation }) => operation);
  }

  /** Makes the store fail at some calls, until the returned function is called. */
  failStore(at: (call: ProbedCall) => boolean): () => void {
    const { around } = this.probe;
    this.probe.around = async (call, run) => {
      if (at(call)) throw new StoreError("STORE_UNAVAILABLE", "patch", "Meant to fail.", { transient: true });
      return run();
    };
    return () => {
      this.probe.around = around;
    };
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.probe.store.close();
  }
}

/** Routes that most clauses need. */
const common: AdapterRoutes = {
  "/public": async () => ({ body: "public" }),
  "/state": async (session) => {
    const opened = await session();
    return { body: JSON.stringify([opened.subject ?? null, Object.fromEntries(opened.entries())]) };
  },
  "/login": async (session) => {
    await (await session()).login("ana");
    return { body: "logged in" };
  },
  "/set-a": async (session) => {
    (await session()).set("a", "A");
    return { body: "set" };
  },
  "/flash": async (session) => {
    (await session()).flash("hello");
    return { body: "flashed" };
  },
  "/take": async (session) => ({
    body: (await (await session()).takeFlashes()).map(({ message }) => message).join(),
  }),
};
