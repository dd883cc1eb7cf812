import { Hono } from "hono";
import { isKnown } from "../etag.ts";
import { assets, staticUrl } from "../static.ts";
import { problemPage } from "../views/problem.ts";

/** Serves the stylesheets and the icon. Uses no session, so that shared caches can store them. */
export function staticRoutes(): Hono {
  const app = new Hono();
  app.get("/static/:name", (c) => {
    const asset = assets.get(c.req.param("name"));
    if (!asset) return problemPage(c, "no-file");
    const tag = `"${asset.version}"`;
    c.header(
      "Cache-Control",
      c.req.query("v") === asset.version ? "public, max-age=31536000, immutable" : "no-cache",
    );
    c.header("ETag", tag);
    if (isKnown(c, tag)) return c.body(null, 304);
    return c.body(asset.text, 200, { "Content-Type": `${asset.type}; charset=utf-8` });
  });
  app.all("/static/:name", (c) => {
    if (!assets.has(c.req.param("name"))) return problemPage(c, "no-file");
    c.header("Allow", "GET, HEAD, OPTIONS");
    return c.req.method === "OPTIONS" ? c.body(null, 204) : problemPage(c, "wrong-method");
  });
  app.get("/robots.txt", (c) =>
    c.text("User-agent: *\nAllow: /\n", 200, { "Cache-Control": "public, max-age=3600" }),
  );
  app.get("/favicon.ico", (c) => c.redirect(staticUrl("ticket.svg"), 302));
  return app;
}
