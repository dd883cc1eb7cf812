import { Hono } from "hono";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { LimitError, StoreError } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { isDatabaseError } from "./database.ts";
import { checkKept, page } from "./page.ts";
import { BusyError } from "./passwords.ts";
import { cookieRoutes } from "./routes/cookies.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { homeRoutes } from "./routes/home.ts";
import { insideRoutes } from "./routes/inside.ts";
import { lessonRoutes } from "./routes/lessons.ts";
import { loginRoutes } from "./routes/login.ts";
import { passwordRoutes } from "./routes/password.ts";
import { signUpRoutes } from "./routes/signup.ts";
import { staticRoutes } from "./routes/static.ts";
import { userRoutes } from "./routes/user.ts";
import type { Parts } from "./parts.ts";
import { notFoundView, problemPage, wrongMethodView } from "./views/problem.ts";

/** No form of this site is longer; checked while reading, so nobody makes us hold a megabyte. */
const MAX_BODY_BYTES = 16 * 1024;

/** Builds the pages from their parts; nothing here reads the environment or the clock. */
export function createApp(parts: Parts): Hono {
  const app = new Hono();
  app.use(
    secureHeaders({
      // Nothing on a page may run or load, but our own two stylesheets and the pictures inside them.
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: "same-origin",
      // Whether this host speaks https is for whoever runs the proxy to say.
      strictTransportSecurity: false,
    }),
  );
  app.route("/", staticRoutes());
  app.get("/health", (c) => {
    parts.users.ping();
    return c.json({ ok: true }, 200, { "Cache-Control": "no-store" });
  });

  app.use(
    honoSessions(parts.sessions, {
      onUnavailable: (c: Context) => problemPage(c, "unavailable"),
      onForbidden: (c: Context) => problemPage(c, "refused"),
    }),
  );
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => problemPage(c, "too-large") }));
  app.use(checkKept(parts));
  app.route("/", homeRoutes(parts));
  app.route("/", loginRoutes(parts));
  app.route("/", signUpRoutes(parts));
  app.route("/", userRoutes(parts));
  app.route("/", passwordRoutes(parts));
  app.route("/", deviceRoutes(parts));
  app.route("/", insideRoutes(parts));
  app.route("/", lessonRoutes(parts));
  app.route("/", cookieRoutes(parts));

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
    // Nobody is there any more to read an answer; there is nothing that anybody could mend.
    if (isHangUp(error)) return problemPage(c, "bad-request");
    parts.report(error);
    // "We do not know who you are right now" is not "you are nobody": the cookie stays as it is.
    if (error instanceof StoreError || isDatabaseError(error)) return problemPage(c, "unavailable");
    return problemPage(c, "broken");
  });
  return app;
}

/** What Node says of a body that never came to its end, since the visitor went away or its framing was wrong. */
function isHangUp(error: Error): boolean {
  return "code" in error && error.code === "ECONNRESET" && error.message === "aborted";
}

/** What can be asked of a path (RFC 9110, 15.5.6); nothing if there is no such page. */
function methodsOf(app: Hono, path: string): string[] {
  const methods = new Set(
    app.routes.filter((route) => route.path === path && route.method !== "ALL").map((route) => route.method),
  );
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].toSorted();
}
