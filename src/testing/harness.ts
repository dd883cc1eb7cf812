import type { Session } from "../core/session.ts";
import type { Sessions } from "../core/sessions.ts";

/** The data of the sessions that the contracts use. */
export interface TestData {
  readonly a: string;
  readonly b: string;
  readonly n: number;
  readonly list: string[];
}

/** What a route answers; a thrown error is the handler failing. */
export interface TestAnswer {
  /** Default 200. */
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A route's handler, the same for every framework. `request` is what `sessions.of` takes there. */
export type TestRoute = (session: () => Promise<Session<TestData>>, request: object) => Promise<TestAnswer>;

/** A site made of routes in one framework, behind its adapter. */
export interface TestServer {
  /** Answers a request, in process or over a socket. Errors of handlers must be answered with 500. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** How the contracts start a site in a framework: each path (any method) is answered by its route, through the adapter. */
export type StartServer = (
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
) => Promise<TestServer>;
