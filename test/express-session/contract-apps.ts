// Apps of routes behind `coatcheck/express-session`, for the adapter contract and the races.

import { Readable } from "node:stream";
import type { Session } from "coatcheck";
import { expressErrors } from "coatcheck/express";
import { expressSession } from "coatcheck/express-session";
import type { RequestSession } from "coatcheck/express-session";
import type { TestData } from "coatcheck/testing";
import express from "express";
import { connectApp, statusOf } from "../contracts/apps.ts";
import type { MakeApp } from "../contracts/apps.ts";
import type { Exceptions } from "../contracts/exceptions.ts";
import type { Data, Request } from "./app.ts";

const readsFirst =
  "req.session can't be awaited, so a request with a session cookie reads before its handlers run";
const savesLate =
  "req.session can be changed after the response, for a later save(), as listeners of a socket do";

const always: Exceptions = {
  "adds no headers and calls no store if the session is not used": readsFirst,
  "responds with 503 and Retry-After, and leaves the cookie alone": `${readsFirst}, and pages that need no session fail with the store, too`,
};
/** Clauses that do not hold, by what the routes speak to. */
export const exceptions: Readonly<Record<"core" | "properties", Exceptions>> = {
  core: always,
  properties: {
    ...always,
    "lets a body stream once the commit is acknowledged": savesLate,
    "refuses to write to a session whose response has been sent": savesLate,
    "responds with 500 if data can't be stored":
      "a login as Passport does it begins with regenerate(), so the same user's data does not stay",
  },
};

/** The data of `req.session` as a plain object. */
export function dataOf(session: RequestSession<Data>): Record<string, unknown> {
  const { cookie: _, ...data } = { ...session };
  return data;
}

/**
 * The adapter contract and the races speak to a session through these calls. Here they are what a handler of
 * express-session does: properties, `destroy`, and a login as Passport does it, with `subject` as its name.
 */
function throughProperties(core: Session<TestData>, req: Request): Session<TestData> {
  const calls: Record<string, unknown> = {
    get: (key: string) => req.session[key],
    has: (key: string) => key in req.session,
    set(key: string, value: unknown) {
      req.session[key] = value;
    },
    delete: (key: string) => delete req.session[key],
    entries: () => Object.entries(dataOf(req.session)).filter(([key]) => key !== "user"),
    logout: () => req.session.destroy(),
    async login(user: string) {
      await req.session.regenerate();
      req.session.user = user;
      await req.session.save();
    },
  };
  return new Proxy(core, {
    get(target, key) {
      if (typeof key === "string" && Object.hasOwn(calls, key)) return calls[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Plain handlers behind the middleware, as connect calls them, which work on HTTP/2 as well. */
export function connectWith(speak: "properties" | "core"): MakeApp {
  return (sessions, routes) => {
    const begin = expressSession(sessions, { subject: (data) => (data as Partial<Data>).user });
    return connectApp(sessions, routes, begin, (core, req) =>
      speak === "core" ? core : throughProperties(core, req as Request),
    );
  };
}

/** An Express app of routes behind the middleware. @param speak `properties`: as above; `core`: with `sessions.of`. */
export function appWith(speak: "properties" | "core", make: typeof express = express): MakeApp {
  return (sessions, routes) => {
    const app = make();
    app.use(expressSession(sessions, { subject: (data) => (data as Partial<Data>).user }));
    app.use(make.json());
    const answer = async (req: express.Request, res: express.Response): Promise<void> => {
      const route = routes[req.path];
      const session = async (): Promise<Session<TestData>> => {
        const core = await sessions.of(req);
        return speak === "core" ? core : throughProperties(core, req as unknown as Request);
      };
      const {
        status = 200,
        body,
        headers = {},
      } = route === undefined ? { status: 404 } : await route(session, req);
      for (const [name, values] of Object.entries(headers))
        res.append(name, typeof values === "string" ? values : [...values]);
      const { location } = headers;
      if (typeof location === "string") res.redirect(status, location);
      else if (typeof body === "object") Readable.from(body, { objectMode: false }).pipe(res.status(status));
      else res.status(status).send(body ?? "");
    };
    // What Express 5 does by itself with a handler that returns a promise.
    app.use((req, res, next) => void answer(req, res).catch(next)); // oxlint-disable-line no-callback-in-promise
    app.use(expressErrors(sessions));
    app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) => {
      if (res.headersSent) next(error);
      else res.status(statusOf(error)).send("failed");
    });
    return { listener: app };
  };
}
