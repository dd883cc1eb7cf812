import { Hono } from "hono";
import { sources } from "../sources.ts";
import { problemPage } from "../views/problem.ts";

/** `/source/app/…`: the sources of the pages, to read. Other files of the site are not here. */
export function sourceRoutes(): Hono {
  const app = new Hono();
  app.get("/source/app/:path{.+}", (c) => {
    const text = sources.get(`app/${c.req.param("path")}`);
    if (text === undefined) return problemPage(c, "no-file");
    return c.body(text, 200, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache" });
  });
  return app;
}
