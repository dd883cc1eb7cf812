import { Hono } from "hono";
import { page } from "../page.ts";
import type { Parts } from "../parts.ts";
import { homeView } from "../views/home.ts";

/** `/`: what this site is, and where its lessons are. */
export function homeRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/", (c) => page(c, parts, { title: "Welcome", content: homeView() }));
  return app;
}
