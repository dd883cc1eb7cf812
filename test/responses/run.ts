// Runs a program once: a server of its own, a client, and somebody who watches.

import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions, Store } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { probeStore } from "coatcheck/testing";
import express from "express";
import { clientOf } from "./clients.ts";
import type { Client } from "./clients.ts";
import { middlewareOf } from "./middleware.ts";
import type { Middleware } from "./middleware.ts";
import { perform, turns } from "./perform.ts";
import type { Data, Stage } from "./perform.ts";
import { isHttp2 } from "./program.ts";
import type { Program } from "./program.ts";
import { codeOf, looksOf, Witness } from "./witness.ts";

const require = createRequire(import.meta.url);
interface App {
  (request: IncomingMessage, response: ServerResponse): void;
  use: (middleware: unknown) => void;
}
const connect = require("connect") as () => App;
const express4 = require("express4") as () => App;

const secret = generateSecret();

/** Who hears of errors that nobody caught. */
let watching: Witness | undefined;

/** Has errors that nobody catches noted instead of ending the process: for a process of its own. */
export function watchProcess(): void {
  const hear = (error: unknown): void => {
    if (watching === undefined) throw error;
    watching.uncaught.push(codeOf(error));
    watching.stir();
  };
  process.on("uncaughtException", hear);
  process.on("unhandledRejection", hear);
}

interface Visit {
  readonly sessions: Sessions<Data>;
  readonly cookie: string | undefined;
}

async function visitOf({ store: pace, visitor }: Program): Promise<Visit> {
  const kept = memoryStore();
  const cookie = await seeded(kept, visitor);
  if (pace === "at once") return { sessions: hubOf(kept), cookie };
  const probe = probeStore(kept);
  probe.around = async (_call, go) => {
    await waits[pace]();
    return go();
  };
  return { sessions: hubOf(probe.store), cookie };
}

/** What a call of the store takes. */
const waits: Readonly<Record<Program["store"], () => Promise<void>>> = {
  "at once": async () => turns(0),
  "after turns": async () => turns(4),
  "after 20 ms": async () =>
    new Promise((resolve) => {
      setTimeout(resolve, 20);
    }),
};

function hubOf(store: Store): Sessions<Data> {
  return createSessions<Data>({ secret, store, sweepInterval: false });
}

/** The cookie of a visitor who has been here. */
async function seeded(store: Store, visitor: Program["visitor"]): Promise<string | undefined> {
  if (visitor === "new") return undefined;
  const hub = hubOf(store);
  const answer = await hub.handle(new Request("http://localhost/"), async (request) => {
    const session = await hub.of(request);
    if (visitor === "logged in") await session.login("ana");
    session.set("a", "before");
    return new Response();
  });
  return answer.headers.getSetCookie()[0]?.split(";")[0];
}

/** Who the visitor's next request is taken for. */
async function found(
  hub: Sessions<Data>,
  cookie: string | undefined,
): Promise<{ subject: string | undefined }> {
  let subject: string | undefined;
  const headers = cookie === undefined ? {} : { cookie };
  await hub.handle(new Request("http://localhost/", { headers }), async (request) => {
    ({ subject } = await hub.of(request));
    return new Response();
  });
  return { subject };
}

function answerError(error: unknown, response: ServerResponse): void {
  response.statusCode = 500;
  response.end(codeOf(error));
}

interface Set {
  readonly program: Program;
  readonly witness: Witness;
  readonly isHurried: boolean;
  readonly plant: Middleware | undefined;
  readonly sessions: Sessions<Data> | undefined;
  readonly leave: () => void;
  readonly onResponse: (response: ServerResponse) => void;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** A server's listener: middleware, the sessions, more middleware, and the program. */
function listenerOf(set: Set): Listener {
  const { program, witness, sessions } = set;
  const middleware = (names: readonly string[]): Middleware[] =>
    names.map((name) => middlewareOf(name, witness.hear));
  const front = [...middleware(program.front), ...(set.plant === undefined ? [] : [set.plant])];
  const behind = middleware(program.behind);
  const handler = async (
    request: IncomingMessage,
    response: ServerResponse,
    next: Stage["next"],
  ): Promise<void> => {
    if (request.url === "/again") {
      response.end("again");
      return;
    }
    await perform({
      ...set,
      request,
      response,
      next,
      waitForStore: waits[set.isHurried ? "at once" : program.store],
    });
  };
  const watched =
    (listener: Listener): Listener =>
    (request, response) => {
      if (request.url !== "/again") {
        watch(witness, response);
        set.onResponse(response);
      }
      listener(request, response);
    };

  if (program.server === "http" || program.server === "http2") {
    // Without a framework it is the adapter that answers for a handler that threw.
    const inner = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      new Promise((resolve, reject) => {
        through(behind, request, response, () => {
          handler(request, response, reject).then(resolve, reject);
        });
      });
    const plain: Listener = (request, response) => {
      inner(request, response).catch((error: unknown) => {
        if (!response.headersSent) answerError(error, response);
        else if (!response.writableEnded) response.destroy();
      });
    };
    const site =
      sessions === undefined
        ? plain
        : nodeSessions(sessions, inner, {
            onError: (error, _request, response) => answerError(error, response),
          });
    return watched((request, response) => through(front, request, response, () => site(request, response)));
  }

  if (program.server === "http, middleware") {
    const chain = [...front, ...layersOf(set, nodeSessions), ...behind];
    return watched((request, response) => {
      const failed = (error: unknown): void => {
        if (!response.headersSent) answerError(error, response);
        else response.destroy();
      };
      through(chain, request, response, () => void handler(request, response, failed).catch(failed), failed);
    });
  }

  const isExpress = program.server.startsWith("express");
  const app =
    program.server === "express5" ? (express() as unknown as App) : isExpress ? express4() : connect();
  for (const each of front) app.use(each);
  for (const each of layersOf(set, isExpress ? expressSessions : nodeSessions)) app.use(each);
  for (const each of behind) app.use(each);
  if (program.server === "express5") {
    app.use((request: IncomingMessage, response: ServerResponse, next: Stage["next"]) =>
      handler(request, response, next),
    );
  } else {
    app.use(async (request: IncomingMessage, response: ServerResponse, next: Stage["next"]) => {
      try {
        await handler(request, response, next);
      } catch (error) {
        next(error);
      }
    });
  }
  return watched(app);
}

/** The sessions, as often as a program wants them. */
function layersOf(
  { program, sessions, isHurried, witness }: Set,
  middleware: (sessions: Sessions<Data>) => Middleware,
): Middleware[] {
  const layer = sessions === undefined ? [] : [middleware(sessions)];
  if (program.layers === "one") return layer;
  const use = async (request: IncomingMessage): Promise<void> => {
    if (request.url === "/again") return;
    witness.owed.private = true;
    if (sessions === undefined) await waits[isHurried ? "at once" : program.store]();
    else (await sessions.of(request)).set("a", "A");
  };
  const between = async (
    request: IncomingMessage,
    _response: ServerResponse,
    next: Stage["next"],
  ): Promise<void> => {
    let failure: unknown;
    try {
      await use(request);
    } catch (error) {
      failure = error;
    }
    next(failure);
  };
  const used: Middleware = (request, response, next) => void between(request, response, next);
  return [...layer, ...(program.layers === "two" ? [] : [used]), ...layer];
}

function through(
  chain: readonly Middleware[],
  request: IncomingMessage,
  response: ServerResponse,
  last: () => void,
  failed: (error: unknown) => void = () => {},
): void {
  const [first, ...rest] = chain;
  if (first === undefined) last();
  else
    first(request, response, (error) => {
      if (error === undefined) through(rest, request, response, last, failed);
      else failed(error);
    });
}

function watch(witness: Witness, response: ServerResponse): void {
  for (const event of ["finish", "close", "error"])
    response.on(event, (...args: unknown[]) => {
      witness.outerEvents.push(event === "error" ? `error ${codeOf(args[0])}` : event);
      if (event === "close") witness.isClosed = true;
      witness.stir();
    });
}

export interface RunOptions {
  readonly withSessions: boolean;
  /** Stands in front of the sessions, or in their place. */
  readonly plant?: Middleware | undefined;
  /** Whether the program waits for nothing but its response. */
  readonly isHurried?: boolean;
  /** How long nothing may happen before it is taken for the end, in milliseconds. */
  readonly patience: number;
}

/** Runs a program once. */
export async function run(
  program: Program,
  { withSessions, plant, isHurried = false, patience }: RunOptions,
): Promise<Witness> {
  const witness = new Witness();
  watching = witness;
  const visit = await visitOf(program);
  if (program.visitor === "logged in") witness.owed.subject = "ana";
  const clients: Client[] = [];
  let answered: ServerResponse | undefined;
  const listener = listenerOf({
    program,
    witness,
    onResponse: (response) => (answered = response),
    isHurried,
    plant,
    sessions: withSessions ? visit.sessions : undefined,
    leave: () => clients[0]?.leave(),
  });
  const server = isHttp2(program)
    ? (createHttp2Server((request, response) =>
        // The compatibility layer is made to be taken for HTTP/1's.
        listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
      ) as unknown as Server)
    : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const going = clientOf({ program, port, cookie: visit.cookie, onArrival: witness.stir });
  clients.push(going);

  const isOver = (): boolean => going.isDone && witness.isHandlerDone && witness.isClosed;
  if (program.client === "reads slowly") {
    await goesOn(witness, () => witness.isHandlerDone, 15);
    going.wake();
  }
  witness.isOver = await goesOn(witness, isOver, patience);
  // What comes after the end: callbacks, errors, a second answer.
  await turns(6);
  witness.answer = going.answer();
  witness.leftOver = going.leftOver();
  witness.last = answered && looksOf(answered, isHttp2(program));
  if (witness.answer.state === "whole" && going.again()) {
    await goesOn(witness, () => going.isDoneAgain, patience);
    const { state, status, body } = going.answerAgain();
    witness.again = `${state} ${status} ${body.toString()}`;
  } else witness.again = "the connection is gone";
  witness.timely = witness.steps.length;
  going.close();
  server.closeAllConnections?.();
  server.close();
  // A response that nobody ended ends now, and whoever waits for it goes on.
  await goesOn(witness, () => witness.isHandlerDone && witness.isClosed, patience);
  await turns(4);
  if (withSessions) {
    const jar = witness.answer.headers.find(
      ([name, value]) => name === "set-cookie" && value.startsWith(sessionCookie),
    )?.[1];
    const cookie = jar === undefined ? visit.cookie : jar.split(";")[0];
    witness.next = await found(visit.sessions, cookie === sessionCookie ? undefined : cookie);
  }
  watching = undefined;
  return witness;
}

/** What every cookie of a session begins with. */
export const sessionCookie = "__Host-Http-session=";

/** Waits until something is so, for as long as anything happens. */
async function goesOn(witness: Witness, isSo: () => boolean, patience: number): Promise<boolean> {
  let activity = -1;
  let since = performance.now();
  let idle = 0;
  for (;;) {
    if (activity !== witness.activity) {
      activity = witness.activity;
      since = performance.now();
      idle = 0;
      if (isSo()) return true;
    }
    // Where the machine is busy time goes by without anybody having had a turn.
    if (idle++ > 30 && performance.now() - since > patience) return isSo();
    await turns(1);
  }
}
