import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Store } from "../record/store.ts";

/** The data of the sessions that the contracts use. */
export interface TestData {
  readonly a: string;
  readonly b: string;
  readonly n: number;
  readonly list: string[];
}

/** A route's response. If a route throws, its handler has failed, and the app's error handler uses the error's `status`. */
export interface TestAnswer {
  /** Default 200. */
  readonly status?: number;
  /** A text, or a streamed body. */
  readonly body?: string | AsyncIterable<string>;
  /** An array stands for several header lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** A route's handler, the same for every framework. `request` is what `sessions.of` accepts in that framework. */
export type TestRoute = (session: () => Promise<Session<TestData>>, request: object) => Promise<TestAnswer>;

/** A running site in one framework, with its adapter. */
export interface TestServer {
  /**
   * Sends a request, in process or over a socket, and returns the response. Aborting the request's signal closes
   * the connection. Errors that handlers throw must reach the app's own error handler, which responds with the
   * error's `status`, or 500 if it has none.
   */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a site in a framework, in which each path (with any method) is handled by its route, through the adapter. */
export type StartServer = (
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
) => Promise<TestServer>;

/** What the contract of adapters runs on: a store and an adapter. */
export interface AdapterSetting {
  /** Opens a store, which need not be empty. */
  openStore(): MaybePromise<Store>;
  readonly start: StartServer;
}
