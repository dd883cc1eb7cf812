// What runs inside workerd, for the stores of Cloudflare: `/run/…` runs clauses and returns a report, and the rest is a site.

// @ts-expect-error -- a module of workerd
import { env } from "cloudflare:workers";
import { createSessions } from "coatcheck";
import type { Store } from "coatcheck";
import { d1Store, durableObjectStore, SessionShard } from "coatcheck/cloudflare";
import type {
  D1DatabaseLike,
  DurableObjectNamespaceLike,
  DurableObjectStateLike,
} from "coatcheck/cloudflare";
import { fetchSessions } from "coatcheck/fetch";
import { memoryStore } from "coatcheck/memory";
import { probeStore, races } from "coatcheck/testing";
import type { Report, RuntimeClause } from "./clause.ts";
import { cloudflareClauses } from "./cloudflare-clauses.ts";
import { startInProcess, storeClauses } from "./suite.ts";

interface Bindings {
  readonly DB: D1DatabaseLike;
  readonly EMPTY: D1DatabaseLike;
  readonly SHARDS: DurableObjectNamespaceLike;
  readonly PLAIN: DurableObjectNamespaceLike;
  readonly SESSION_SECRET: string;
}

const bindings = env as unknown as Bindings;

/** The state of an object, with what a test uses of it. */
interface State extends DurableObjectStateLike {
  abort(reason: string): void;
}

/** An object that a test can restart, before or after it has done what it is asked next. */
export class RestartingShard extends SessionShard {
  readonly #context: State;
  #restart: string | undefined;

  constructor(state: State) {
    super(state);
    this.#context = state;
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/restart-")) {
      this.#restart = pathname;
      return new Response();
    }
    if (this.#restart === "/restart-before") this.#context.abort("restarted by the test");
    const response = await super.fetch(request);
    if (this.#restart === "/restart-after") this.#context.abort("restarted by the test");
    return response;
  }
}

/** Bound without SQLite storage. */
export { SessionShard as PlainShard };

const stores = {
  d1: () => d1Store({ database: bindings.DB }),
  objects: () => durableObjectStore({ namespace: bindings.SHARDS, shards: 3 }),
};

type StoreName = keyof typeof stores;

const parts: Readonly<Record<string, (name: StoreName) => readonly RuntimeClause[]>> = {
  contract: (name) => storeClauses(name, () => stores[name]),
  races: (name) =>
    races.map((race) => ({
      name: race.name,
      async check() {
        const orders = await race.check({ openStore: stores[name], start: startInProcess });
        if (orders === 0) throw new Error("no order was tried");
      },
    })),
  own: (name) => cloudflareClauses(bindings)[name],
};

async function report(clauses: readonly RuntimeClause[]): Promise<Report> {
  const faults: string[] = [];
  for (const clause of clauses) {
    try {
      await clause.check();
    } catch (error) {
      faults.push(
        `${clause.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }
  return { version: "", held: { clauses: clauses.length - faults.length }, lacks: [], faults };
}

/** Whether a patch of the slow store never ends: the next one, or one that has begun. */
let hangs: "no" | "soon" | "begun" = "no";

/** The memory of this isolate behind a slow network: what a request waits for must be its own, or it dies with another one. */
function slowStore(): Store {
  const store = memoryStore();
  return {
    ...probeStore(store).store,
    async patch(...args) {
      if (hangs === "soon") {
        hangs = "begun";
        return new Promise(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      return store.patch(...args);
    },
  };
}

const sites = Object.fromEntries(
  Object.entries({ ...stores, slow: slowStore }).map(([name, open]) => {
    // Made once, at the top of the module: every request uses it.
    const sessions = createSessions<{ n: number }>({
      secret: bindings.SESSION_SECRET,
      store: open(),
      sweepInterval: false,
      // A busy machine is no fault of the store's.
      storeTimeout: { seconds: name === "slow" ? 5 : 20 },
    });
    const handler = fetchSessions(sessions, async (request) => {
      const session = await sessions.of(request);
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/login")) await session.login("ana");
      if (pathname.endsWith("/logout")) await session.logout();
      if (pathname.endsWith("/hang")) hangs = "soon";
      if (/\/(?:increment|hang)$/.test(pathname)) await session.update("n", (n = 0) => n + 1);
      if (pathname.endsWith("/sweep")) return new Response(String(await sessions.sweep()));
      if (pathname.endsWith("/devices")) return new Response(String((await sessions.list("ana")).length));
      return Response.json({ subject: session.subject, n: session.get("n") });
    });
    return [name, handler];
  }),
);

export const worker = {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, first = "", second = "", third = ""] = pathname.split("/");
    if (first === "run") {
      const omitted = searchParams.get("omit")?.split(",") ?? [];
      const clauses = parts[second]?.(third as StoreName).filter(
        ({ name }) => !omitted.some((start) => name.startsWith(start)),
      );
      return clauses === undefined
        ? new Response("no such part", { status: 404 })
        : Response.json(await report(clauses));
    }
    if (first === "hangs") return new Response(hangs);
    return (await sites[first]?.(request)) ?? new Response("no such site", { status: 404 });
  },
};
