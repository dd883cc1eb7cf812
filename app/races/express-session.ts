import type { RequestHandler } from "express";
import expressSession from "express-session";
import manifest from "express-session/package.json" with { type: "json" };
import { generateSecret } from "coatcheck";
import type { Contender, Handlers, Opened, Track } from "./contender.ts";
import type { Entries } from "./trace.ts";

type Done<T = void> = (error: unknown, result?: T) => void;
type Stored = Entries & { readonly cookie?: unknown };

/** What is used of express-session, which comes without types. */
type ExpressSession = ((options: object) => RequestHandler) & {
  readonly Store: new () => object;
  readonly MemoryStore: new () => MemoryStore;
};
interface MemoryStore {
  readonly sessions: object;
  get(id: string, done: Done<Stored>): void;
  set(id: string, session: Stored, done?: Done): void;
  destroy(id: string, done?: Done): void;
  touch(id: string, session: Stored, done?: Done): void;
  all(done: Done<Record<string, Stored>>): void;
}

const session: ExpressSession = expressSession;

export const EXPRESS_SESSION_VERSION: string = manifest.version;

/** express-session in its own memory store, with `resave: false`, as its README suggests. */
export const expressSessionContender: Contender = {
  name: "express-session",
  open: (track) => {
    const { secret, store, maxAge, rest } = prepare(track);
    return {
      setUp(app, routes) {
        app.use(
          session({
            secret,
            store,
            name: "sid",
            resave: false,
            saveUninitialized: false,
            cookie: { maxAge },
          }),
        );
        app.use(routes);
      },
      ...rest,
    };
  },
};

/** The same with the two settings that it has unless somebody changes them. */
export const resavingContender: Contender = {
  name: "express-session",
  open: (track) => {
    const { secret, store, maxAge, rest } = prepare(track);
    return {
      setUp(app, routes) {
        app.use(
          session({
            secret,
            store,
            name: "sid",
            resave: true,
            saveUninitialized: true,
            cookie: { maxAge },
          }),
        );
        app.use(routes);
      },
      ...rest,
    };
  },
};

function prepare(track: Track): {
  secret: string;
  store: ReportingStore;
  maxAge: number;
  rest: Omit<Opened, "setUp">;
} {
  const store = new ReportingStore(track);
  return {
    secret: generateSecret(),
    store,
    maxAge: 24 * 60 * 60 * 1_000,
    rest: {
      handlers: handlersOf(track),
      async sessions() {
        return Object.entries(await store.stored()).map(([id, stored]) => ({ id, entries: dataOf(stored) }));
      },
      // `s:id.signature`, as an URI component.
      idOf: (cookie) => decodeURIComponent(cookie).slice(2).split(".", 1)[0] ?? "",
      copy: () => store.copy(),
      async close() {},
    },
  };
}

/** A counter, and messages, for which Coatcheck has calls. Messages are kept as connect-flash keeps them. */
function handlersOf({ slowService }: Track): Handlers {
  return {
    async addOne(req, res) {
      const count = req.session.count ?? 0;
      await slowService();
      req.session.count = count + 1;
      res.send(`You have ${count + 1}.`);
    },
    saveProfile(req, res) {
      req.session.flash = ["Saved."];
      res.redirect("/");
    },
    async showMessages(req, res) {
      await slowService();
      const messages = req.session.flash ?? [];
      delete req.session.flash;
      res.send(messages.join() || "No messages.");
    },
  };
}

/** express-session's memory store, which tells the race what is done with it. */
class ReportingStore extends session.Store {
  readonly #store = new session.MemoryStore();
  readonly #track: Track;
  #copy: Record<string, Stored> = {};

  constructor(track: Track) {
    super();
    this.#track = track;
  }

  get(id: string, done: Done<Stored>): void {
    const isStale = this.#track.isStale();
    this.#store.get(id, (error, current) => {
      const found = isStale ? structuredClone(this.#copy[id]) : current;
      this.#track.report({ kind: "reads", found: found && dataOf(found), isStale });
      done(error, found);
    });
  }

  set(id: string, stored: Stored, done?: Done): void {
    this.#track.report({ kind: "replaces", entries: dataOf(stored) });
    this.#store.set(id, stored, done);
  }

  destroy(id: string, done?: Done): void {
    if (Object.hasOwn(this.#store.sessions, id)) this.#track.report({ kind: "ends" });
    this.#store.destroy(id, done);
  }

  touch(id: string, stored: Stored, done?: Done): void {
    this.#track.report({ kind: "touches" });
    this.#store.touch(id, stored, done);
  }

  stored(): Promise<Record<string, Stored>> {
    const { promise, resolve } = Promise.withResolvers<Record<string, Stored>>();
    this.#store.all((_, all = {}) => resolve(all));
    return promise;
  }

  async copy(): Promise<void> {
    this.#copy = await this.stored();
  }
}

/** What an app has put in, as JSON keeps it. */
function dataOf({ cookie: _cookie, ...data }: Stored): Entries {
  return structuredClone(data);
}
