import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, SessionsOptions, Store } from "coatcheck";
import { expressSession } from "coatcheck/express-session";
import type { RequestSession, SessionCookieDefaults } from "coatcheck/express-session";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore, testClock } from "coatcheck/testing";
import type { StoreProbe, TestClock } from "coatcheck/testing";
import { listen } from "../support/listen.ts";

/** What the sessions of these tests hold. */
export interface Data {
  [key: string]: unknown;
  user?: string | number | null;
  passport?: { user?: unknown };
  n?: number;
}

/** A request as the middleware leaves it. */
export type Request = IncomingMessage & { session: RequestSession<Data>; readonly sessionID: string };

/** A handler that knows only `req.session`. It may return a promise, or end the response later. */
export type Handler = (req: Request, res: ServerResponse, next: (error?: unknown) => void) => unknown;

export interface Setup {
  readonly options?: Partial<SessionsOptions>;
  readonly cookie?: SessionCookieDefaults;
  readonly subject?: (data: Partial<Data>) => unknown;
  readonly store?: Store;
}

/** One site with the middleware, over HTTP, whose handler is what a visit brings along. */
export class DropIn {
  readonly clock: TestClock = testClock();
  readonly probe: StoreProbe;
  readonly sessions: Sessions<Data>;
  readonly jar: CookieJar = new CookieJar();
  /** What handlers threw that nobody caught. */
  readonly errors: unknown[] = [];
  readonly #t: TestContext;
  readonly #session;
  #port: number | undefined;
  #handler: Handler = (_req, res) => res.end();
  /** The handler of `/other`, for a request during a visit. */
  #other: Handler = (_req, res) => res.end();

  constructor(t: TestContext, { options = {}, cookie, subject, store = memoryStore() }: Setup = {}) {
    this.#t = t;
    this.probe = probeStore(store);
    this.sessions = createSessions<Data>({
      secret: generateSecret(),
      store: this.probe.store,
      clock: this.clock,
      cookie: { name: "sid", secure: false },
      sweepInterval: false,
      ...options,
    });
    this.#session = expressSession(this.sessions, {
      ...(cookie === undefined ? {} : { cookie }),
      ...(subject === undefined ? {} : { subject }),
    });
  }

  /** Sends a request with the jar's cookies, and keeps those of the response. */
  async visit(
    handler: Handler,
    visit: { path?: string; headers?: Record<string, string>; cookie?: string; other?: Handler } = {},
  ): Promise<Response> {
    this.#handler = handler;
    if (visit.other !== undefined) this.#other = visit.other;
    this.#port ??= await this.#serve();
    const cookie = visit.cookie ?? this.jar.header;
    const headers = { ...(cookie === undefined ? {} : { cookie }), ...visit.headers };
    const response = await fetch(`http://127.0.0.1:${this.#port}${visit.path ?? "/"}`, {
      headers,
      redirect: "manual",
    });
    if (visit.cookie === undefined) this.jar.take(response);
    return response;
  }

  /** As `visit`, for a handler that returns what the response shows as JSON. */
  async see<T>(look: (req: Request, res: ServerResponse) => T | Promise<T>): Promise<T> {
    const response = await this.visit(async (req, res) => {
      const seen = await look(req, res);
      res.end(JSON.stringify(seen) ?? "null");
    });
    return JSON.parse(await response.text()) as T;
  }

  /** The operations of the store that these visits cause. */
  async callsOf(work: () => Promise<unknown>): Promise<string[]> {
    this.probe.calls.length = 0;
    await work();
    return this.probe.calls.map(({ operation }) => operation);
  }

  /** The core's session of a request, for what `req.session` does not show. */
  core(req: Request): Promise<Session<Data>> {
    return this.sessions.of(req);
  }

  async #serve(): Promise<number> {
    return listen(
      this.#t,
      createServer((request, response) => {
        const failed = (error: unknown): void => {
          this.errors.push(error);
          if (response.headersSent) return;
          response.statusCode = 500;
          response.end(error instanceof Error ? error.message : String(error));
        };
        this.#session(request, response, (error) => {
          if (error !== undefined) return failed(error);
          const { sessions } = this;
          const next = (thrown?: unknown): void => {
            sessions.fail(thrown, request);
            failed(thrown);
          };
          // What the middleware has added.
          const req = request as Request;
          const handle = async (): Promise<unknown> =>
            req.url === "/other" ? this.#other(req, response, next) : this.#handler(req, response, next);
          // oxlint-disable-next-line no-callback-in-promise, no-promise-in-callback -- what Express does
          handle().catch(next);
          return undefined;
        });
      }),
    );
  }
}
