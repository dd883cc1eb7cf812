import { generateSecret } from "../crypto/keyring.ts";
import { createSessions } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Store } from "../record/store.ts";
import { testClock } from "./clock.ts";
import type { TestClock } from "./clock.ts";
import { CookieJar } from "./cookie-jar.ts";
import type { StartServer, TestData, TestRoute, TestServer } from "./harness.ts";
import { outside, pause } from "./interleavings.ts";
import { probeStore } from "./store-probe.ts";
import type { StoreProbe } from "./store-probe.ts";

/** What the races run on: a store and an adapter. */
export interface RaceSetting {
  /** Opens a store, which need not be empty. */
  openStore(): MaybePromise<Store>;
  readonly start: StartServer;
}

/** The routes of the race site. Each does what one line of a real handler would. */
const routesOf = (somebody: string): Readonly<Record<string, TestRoute>> => ({
  "/public": async () => ({}),
  "/read": async (session) => ({ body: (await session()).get("a") ?? "" }),
  "/state": async (session) => {
    const { subject, rejection, ...opened } = await pick(session);
    return { body: JSON.stringify({ subject, reason: rejection?.reason, ...opened }) };
  },
  "/set-a": async (session) => {
    (await session()).set("a", "A");
    return {};
  },
  "/set-b": async (session) => {
    (await session()).set("b", "B");
    return {};
  },
  "/push": async (session) => {
    (await session()).get("list")?.push("pushed");
    return {};
  },
  "/begin-list": async (session) => {
    (await session()).set("list", []);
    return {};
  },
  "/increment": async (session) => ({ body: String(await (await session()).update("n", (n = 0) => n + 1)) }),
  "/flash": async (session) => {
    (await session()).flash("hello");
    return {};
  },
  "/take": async (session) => ({
    body: (await (await session()).takeFlashes()).map(({ message }) => message).join(),
  }),
  "/take-fail": async (session) => {
    await (await session()).takeFlashes();
    throw new Error("meant to fail");
  },
  "/login": async (session) => {
    await (await session()).login(somebody);
    return {};
  },
  "/login-fail": async (session) => {
    const opened = await session();
    await opened.login(somebody);
    opened.set("a", "lost");
    throw new Error("meant to fail");
  },
  "/login-500": async (session) => {
    const opened = await session();
    await opened.login(somebody);
    opened.set("a", "lost");
    return { status: 500 };
  },
  "/logout": async (session) => {
    await (await session()).logout();
    return {};
  },
  "/logout-fail": async (session) => {
    await (await session()).logout();
    throw new Error("meant to fail");
  },
  "/logout-500": async (session) => {
    await (await session()).logout();
    return { status: 500 };
  },
  "/rotate": async (session) => {
    await (await session()).rotate();
    return {};
  },
});

async function pick(session: Parameters<TestRoute>[0]) {
  const opened = await session();
  return { subject: opened.subject, rejection: opened.rejection, data: Object.fromEntries(opened.entries()) };
}

/** The response of `/state`. */
export interface RaceState {
  readonly subject?: string;
  readonly reason?: string;
  readonly data: Partial<TestData>;
}

/** @internal One browser, and two servers that share one store, as behind a load balancer. */
export class RaceSite {
  readonly jar: CookieJar = new CookieJar();
  /** The subject that logs in. Unique to this site, since the store may be shared. */
  readonly subject: string = `ana-${generateSecret()}`;
  readonly clock: TestClock;
  readonly probe: StoreProbe;
  readonly nodes: readonly [Sessions<TestData>, Sessions<TestData>];
  readonly #start: StartServer;
  readonly #servers: [TestServer | undefined, TestServer | undefined] = [undefined, undefined];

  private constructor(
    clock: TestClock,
    probe: StoreProbe,
    nodes: readonly [Sessions<TestData>, Sessions<TestData>],
    start: StartServer,
  ) {
    this.clock = clock;
    this.probe = probe;
    this.nodes = nodes;
    this.#start = start;
  }

  static async open(setting: RaceSetting): Promise<RaceSite> {
    const clock = testClock();
    const probe = probeStore(await setting.openStore());
    probe.around = async (_, run) => {
      await pause();
      return outside(run);
    };
    const secret = generateSecret();
    const node = (): Sessions<TestData> =>
      createSessions<TestData>({ secret, store: probe.store, clock, sweepInterval: false });
    const nodes = [node(), node()] as const;
    const site = new RaceSite(clock, probe, nodes, setting.start);
    // The other server starts only if a race needs it, since some frameworks start slowly.
    await site.#server(0);
    return site;
  }

  async #server(node: 0 | 1): Promise<TestServer> {
    return (this.#servers[node] ??= await this.#start(this.nodes[node], routesOf(this.subject)));
  }

  /** Sends a request with a cookie header (by default the jar's), and stores the response's cookies when it arrives. */
  async visit(
    path: string,
    cookie: string | undefined = this.jar.header,
    node: 0 | 1 = 0,
  ): Promise<Response> {
    // A browser's visits take time, so no two happen in the same millisecond.
    this.clock.advance(1);
    const response = await this.send(path, cookie, node);
    await pause();
    this.jar.take(response);
    return response;
  }

  /** Sends a request without a browser, so that the response's cookies are not stored. */
  async send(path: string, cookie: string | undefined, node: 0 | 1 = 0): Promise<Response> {
    const headers = cookie === undefined ? {} : { cookie };
    const server = await this.#server(node);
    return server.fetch(new Request(`http://localhost${path}`, { headers }));
  }

  /** The session as a request with this cookie header (by default the jar's) sees it. */
  async state(cookie: string | undefined = this.jar.header, node: 0 | 1 = 0): Promise<RaceState> {
    const response = await this.send("/state", cookie, node);
    const state: RaceState = JSON.parse(await response.text());
    return state;
  }

  /** How many fields the record of a cookie's ticket still has. */
  async fieldsLeft(cookie: string | undefined): Promise<number> {
    const id = /=([^.]*)/.exec(cookie ?? "")?.[1] ?? "";
    return (await this.probe.store.read(id, this.clock.now()))?.fields.size ?? 0;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server?.close();
    await this.probe.store.close();
  }
}
