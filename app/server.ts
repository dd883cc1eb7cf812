import { Hono } from "hono";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { LimitError, StoreError } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { isDatabaseError } from "./database.ts";
import { checkKept, page } from "./page.ts";
import { StoreTakenAway } from "./measure.ts";
import { BusyError } from "./passwords.ts";
import { accountRoutes } from "./routes/account.ts";
import { breakRoutes, brokenStore } from "./routes/break.ts";
import { cookieRoutes } from "./routes/cookies.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { docsRoutes } from "./routes/docs.ts";
import { homeRoutes } from "./routes/home.ts";
import { insideRoutes } from "./routes/inside.ts";
import { lessonRoutes } from "./routes/lessons.ts";
import { loginRoutes } from "./routes/login.ts";
import { passwordRoutes } from "./routes/password.ts";
import { raceRoutes } from "./routes/races.ts";
import { signUpRoutes } from "./routes/signup.ts";
import { sourceRoutes } from "./routes/source.ts";
import { staticRoutes } from "./routes/static.ts";
import { twoBrowsersRoutes } from "./routes/two-browsers.ts";
import { userRoutes } from "./routes/user.ts";
import { strips } from "./strip.ts";
import type { Parts } from "./parts.ts";
import { notFoundView, problemPage, wrongMethodView } from "./views/problem.ts";

/** More than any form of this site needs. Checked while reading, so that nobody can make us hold a megabyte. */
const MAX_BODY_BYTES = 16 * 1024;

/** The pages that show at once what happens elsewhere, by an event stream and the site's only script. */
const LIVE_PAGES: ReadonlySet<string> = new Set(["/break", "/two-browsers"]);

/**
 * Builds the app from its parts. Reads neither the environment nor the clock.
 *
 * @param docs The folder where the documentation is built.
 */
export function createApp(parts: Parts, docs: string): Hono {
  const app = new Hono();
  app.route("/", docsRoutes(docs));
  const [plain, live] = [
    // Lighthouse fetches robots.txt from inside a page. No script may run there, so nothing else connects.
    securityHeaders({ connectSrc: ["'self'"] }),
    securityHeaders({ scriptSrc: ["'self'"], connectSrc: ["'self'"] }),
  ];
  app.use((c, next) => (LIVE_PAGES.has(c.req.path) ? live : plain)(c, next));
  app.route("/", staticRoutes());
  app.route("/", sourceRoutes());
  app.get("/health", (c) => {
    parts.users.ping();
    return c.json({ ok: true }, 200, { "Cache-Control": "no-store" });
  });

  app.use(strips());
  app.use(
    honoSessions(parts.sessions, {
      onUnavailable: (c: Context) => problemPage(c, "unavailable"),
      onForbidden: (c: Context) => problemPage(c, "refused"),
    }),
  );
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => problemPage(c, "too-large") }));
  app.use(brokenStore(parts));
  app.use(checkKept(parts));
  app.route("/", homeRoutes(parts));
  app.route("/", loginRoutes(parts));
  app.route("/", signUpRoutes(parts));
  app.route("/", userRoutes(parts));
  app.route("/", passwordRoutes(parts));
  app.route("/", deviceRoutes(parts));
  app.route("/", accountRoutes(parts));
  app.route("/", insideRoutes(parts));
  app.route("/", lessonRoutes(parts));
  app.route("/", cookieRoutes(parts));
  app.route("/", raceRoutes(parts));
  app.route("/", breakRoutes(parts));
  app.route("/", twoBrowsersRoutes(parts));

  app.notFound((c) => {
    const { method, path } = c.req;
    const methods = methodsOf(app, path);
    if (methods.length === 0)
      return page(c, parts, { title: "No such page", status: 404, content: notFoundView(path) });
    c.header("Allow", [...methods, "OPTIONS"].join(", "));
    if (method === "OPTIONS") return c.body(null, 204);
    return page(c, parts, { title: "Not like this", status: 405, content: wrongMethodView(path, method) });
  });
  app.onError((error, c) => {
    if (error instanceof HTTPException)
      return problemPage(c, error.status === 413 ? "too-large" : "bad-request");
    if (error instanceof LimitError) return problemPage(c, "too-large");
    if (error instanceof BusyError) return problemPage(c, "busy");
    // The visitor has gone, and there is nothing to fix, so it is not reported.
    if (isHangUp(error)) return problemPage(c, "bad-request");
    if (!(error.cause instanceof StoreTakenAway)) parts.report(error);
    // "We do not know who you are right now" is not "you are logged out": the cookie stays.
    if (error instanceof StoreError || isDatabaseError(error)) return problemPage(c, "unavailable");
    return problemPage(c, "broken");
  });
  return app;
}

/** @param more what a page may do besides. */
function securityHeaders(more: { scriptSrc?: string[]; connectSrc?: string[] } = {}): MiddlewareHandler {
  return secureHeaders({
    // A page may load only our own two stylesheets and the pictures inside them, and run nothing.
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      ...more,
    },
    referrerPolicy: "same-origin",
    // The operator of the proxy decides whether this host uses https.
    strictTransportSecurity: false,
  });
}

/** Whether Node reports an incomplete body: the visitor went away, or the framing was wrong. */
function isHangUp(error: Error): boolean {
  return "code" in error && error.code === "ECONNRESET" && error.message === "aborted";
}

/** The methods that a path allows (RFC 9110, 15.5.6); empty if there is no such page. */
function methodsOf(app: Hono, path: string): string[] {
  const methods = new Set(
    app.routes.filter((route) => route.path === path && route.method !== "ALL").map((route) => route.method),
  );
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].toSorted();
}
