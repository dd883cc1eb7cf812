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

/** What a route answers; a thrown error is the handler failing, its `status` what the app's error handler answers. */
export interface TestAnswer {
  /** Default 200. */
  readonly status?: number;
  /** A text, or a body that is written as it comes. */
  readonly body?: string | AsyncIterable<string>;
  /** Several values are several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** A route's handler, the same for every framework. `request` is what `sessions.of` takes there. */
export type TestRoute = (session: () => Promise<Session<TestData>>, request: object) => Promise<TestAnswer>;

/** A site made of routes in one framework, behind its adapter. */
export interface TestServer {
  /**
   * Answers a request, in process or over a socket; its signal hangs up. What handlers throw must be
   * answered by the app's own error handler, with the error's `status` if it has one and else with 500.
   */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** How the contracts start a site in a framework: each path (any method) is answered by its route, through the adapter. */
export type StartServer = (
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
) => Promise<TestServer>;

/** Where the contracts are run: a store and an adapter. */
export interface AdapterSetting {
  /** A store, empty or not. */
  openStore(): MaybePromise<Store>;
  readonly start: StartServer;
}
