import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Context } from "hono";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

export function honoSite(actions: Actions<[Context]>, prepare: (app: Hono) => unknown = () => {}): Site {
  const app = new Hono();
  prepare(app);
  app.get("/untouched", (c) => c.text(untouched));
  app.get("/read", async (c) => c.text(await actions.read(c)));
  app.post("/write", async (c) => c.text(String(await actions.write(c))));
  app.post("/login", async (c) => {
    await actions.login(c);
    return c.text(welcome);
  });
  return siteOf(createAdaptorServer({ fetch: app.fetch }) as Server);
}
