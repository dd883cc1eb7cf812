import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Session, Sessions } from "coatcheck";
import { expressErrors, expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { fetchSessions } from "coatcheck/fetch";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { koaSessions } from "coatcheck/koa";
import { nodeErrors, nodeSessions } from "coatcheck/node";
import type { TestAnswer, TestData, TestRoute } from "coatcheck/testing";
import express from "express";
// @ts-expect-error -- Express 4 comes without types; for what is used here those of 5 fit
import express4 from "express4";
import Fastify from "fastify";
import { H3, toNodeHandler } from "h3";
import { Hono } from "hono";
import Koa from "koa";

/** An app made of routes in one framework: a listener for Node's servers, and where it has one its own `fetch`. */
export interface App {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** How to make the same app in each framework, the way its own documentation would. */
export type MakeApp = (
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
) => App | Promise<App>;

const pathOf = (url = "/"): string => url.split("?")[0] ?? "/";

/** What an app's error handler answers to an error. */
export const statusOf = (error: unknown): number =>
  error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : 500;

const linesOf = (headers: TestAnswer["headers"] = {}): [string, string][] =>
  Object.entries(headers).flatMap(([name, values]) =>
    (typeof values === "string" ? [values] : values).map((value): [string, string] => [name, value]),
  );

const mutable = (headers: TestAnswer["headers"] = {}): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  );

/** A route's answer as a fetch handler gives it. */
export function toResponse({ status = 200, body, headers }: TestAnswer): Response {
  const isEmpty = status === 204 || status === 304;
  const stream = typeof body === "object" ? streamOf(body) : (body ?? "");
  return new Response(isEmpty ? null : stream, { status, headers: linesOf(headers) });
}

function streamOf(texts: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = texts[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(next.value));
    },
  });
}

/** `writeHead` with everything, and `pipe`: what a handler of a bare server does. */
function answerNode(response: ServerResponse, { status = 200, body = "", headers }: TestAnswer): void {
  response.writeHead(status, mutable(headers));
  if (typeof body === "string") response.end(body);
  else Readable.from(body, { objectMode: false }).pipe(response);
}

async function answerRoute(
  routes: Readonly<Record<string, TestRoute>>,
  sessions: Sessions<TestData>,
  path: string,
  request: object,
): Promise<TestAnswer> {
  const route = routes[path];
  return route === undefined ? { status: 404 } : route(() => sessions.of(request), request);
}

/**
 * A stack of middleware as connect has it: `next`, and error handlers at the end.
 *
 * @param begin the middleware that brings the sessions.
 * @param through what routes get of a session, given its request.
 */
export function connectApp(
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
  begin: (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void,
  through: (session: Session<TestData>, request: IncomingMessage) => Session<TestData> = (session) => session,
): App {
  const noteError = nodeErrors(sessions);
  return {
    listener(request, response) {
      const failed = (error: unknown): void => {
        if (response.headersSent) return;
        response.statusCode = statusOf(error);
        response.end("failed");
      };
      begin(request, response, (failure) => {
        if (failure !== undefined) return failed(failure);
        const route = routes[pathOf(request.url)];
        const session = async (): Promise<Session<TestData>> => through(await sessions.of(request), request);
        const answer = async (): Promise<void> => {
          const {
            status = 200,
            body = "",
            headers,
          } = route === undefined ? { status: 404 } : await route(session, request);
          response.statusCode = status;
          for (const [name, value] of linesOf(headers)) response.appendHeader(name, value);
          if (typeof body === "string") response.write(body);
          else {
            for await (const chunk of body) {
              if (response.destroyed) return;
              if (!response.write(chunk)) await once(response, "drain");
            }
          }
          response.end();
        };
        answer().catch((error: unknown) => noteError(error, request, response, failed));
        return undefined;
      });
    },
  };
}

function expressApp(make: typeof express): MakeApp {
  return (sessions, routes) => {
    const app = make();
    app.use(expressSessions(sessions));
    app.use(make.json());
    app.use((req, res, next) => {
      const answer = async (): Promise<void> => {
        const { status = 200, body, headers = {} } = await answerRoute(routes, sessions, req.path, req);
        for (const [name, value] of linesOf(headers)) res.append(name, value);
        const { location } = headers;
        if (typeof location === "string") res.redirect(status, location);
        else if (typeof body === "object")
          Readable.from(body, { objectMode: false }).pipe(res.status(status));
        else res.status(status).send(body ?? "");
      };
      // What Express 5 does by itself with a handler that answers a promise.
      answer().then(undefined, next);
    });
    app.use(expressErrors(sessions));
    app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) => {
      if (res.headersSent) next(error);
      else res.status(statusOf(error)).send("failed");
    });
    return { listener: app };
  };
}

export const apps = {
  fetch(sessions, routes) {
    const handler = fetchSessions(
      sessions,
      async (request) =>
        toResponse(await answerRoute(routes, sessions, new URL(request.url).pathname, request)),
      { onError: (error) => new Response("failed", { status: statusOf(error) }) },
    );
    return { listener: getRequestListener(handler), fetch: handler };
  },

  hono(sessions, routes) {
    const app = new Hono();
    app.use(honoSessions(sessions));
    for (const [path, route] of Object.entries(routes)) {
      app.all(path, async (c) => toResponse(await route(() => sessions.of(c), c)));
    }
    app.onError((error) => new Response("failed", { status: statusOf(error) }));
    const fetch = async (request: Request): Promise<Response> => app.fetch(request);
    return { listener: getRequestListener(fetch), fetch };
  },

  node(sessions, routes) {
    const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      answerNode(response, await answerRoute(routes, sessions, pathOf(request.url), request));
    return {
      listener: nodeSessions(sessions, handler, {
        onError(error, _request, response) {
          response.statusCode = statusOf(error);
          response.end("failed");
        },
      }),
    };
  },

  connect: (sessions, routes) => connectApp(sessions, routes, nodeSessions(sessions)),

  express: expressApp(express),

  express4: expressApp(express4),

  koa(sessions, routes) {
    const app = new Koa();
    app.silent = true;
    app.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        ctx.app.emit("error", error, ctx);
        ctx.status = statusOf(error);
        ctx.body = "failed";
      }
    });
    app.use(koaSessions(sessions));
    app.use(async (ctx) => {
      const { status = 200, body = "", headers } = await answerRoute(routes, sessions, ctx.path, ctx);
      for (const [name, value] of linesOf(headers)) ctx.append(name, value);
      ctx.body = typeof body === "string" ? body : Readable.from(body, { objectMode: false });
      ctx.status = status;
    });
    return { listener: app.callback() };
  },

  async fastify(sessions, routes) {
    const app = Fastify();
    app.register(fastifySessions(sessions));
    app.setErrorHandler((error, _request, reply) => reply.code(statusOf(error)).send("failed"));
    app.register(async (scope) => {
      scope.all("/*", async (request, reply) => {
        const path = pathOf(request.url);
        const { status = 200, body, headers } = await answerRoute(routes, sessions, path, request);
        reply.code(status).headers(mutable(headers));
        return reply.send(
          typeof body === "object" ? Readable.from(body, { objectMode: false }) : (body ?? ""),
        );
      });
    });
    await app.ready();
    return { listener: (request, response) => app.routing(request, response) };
  },

  h3(sessions, routes) {
    const app = new H3({
      silent: true,
      onError: (error) => new Response("failed", { status: statusOf(error.cause) }),
    });
    app.register(h3Sessions(sessions));
    for (const [path, route] of Object.entries(routes)) {
      app.all(path, async (event) => {
        const { status = 200, body, headers } = await route(() => sessions.of(event), event);
        event.res.status = status;
        for (const [name, value] of linesOf(headers)) event.res.headers.append(name, value);
        return typeof body === "object" ? streamOf(body) : (body ?? "");
      });
    }
    // Made where it is used: workerd has nothing that it could be made of.
    let handler: ReturnType<typeof toNodeHandler> | undefined;
    return {
      listener: async (request, response) => (handler ??= toNodeHandler(app))(request, response),
      fetch: async (request) => app.fetch(request),
    };
  },
} satisfies Record<string, MakeApp>;
