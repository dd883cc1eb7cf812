import { Hono } from "hono";
import { page } from "../page.ts";
import type { Parts } from "../parts.ts";
import { whoIs } from "../profile.ts";
import { flaskView } from "../views/lessons-flask.ts";
import { homeView } from "../views/home.ts";

/** `/`: what this site is, and where its lessons are; and `/lessons/flask`, for those who know Flask. */
export function homeRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/", async (c) => {
    const name = whoIs(parts, await parts.sessions.of(c))?.name;
    return page(c, parts, { title: "Welcome", content: homeView(name) });
  });
  app.get("/lessons/flask", (c) => page(c, parts, { title: "Coming from Flask", content: flaskView() }));
  return app;
}
