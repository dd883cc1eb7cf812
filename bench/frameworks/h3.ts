import { createServer } from "node:http";
import { H3, toNodeHandler } from "h3";
import type { H3Event } from "h3";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

export function h3Site(actions: Actions<[H3Event]>, prepare: (app: H3) => unknown = () => {}): Site {
  const app = new H3();
  prepare(app);
  app.get("/untouched", () => untouched);
  app.get("/read", async (event) => actions.read(event));
  app.post("/write", async (event) => String(await actions.write(event)));
  app.post("/login", async (event) => {
    await actions.login(event);
    return welcome;
  });
  const handle = toNodeHandler(app);
  return siteOf(createServer((request, response) => void handle(request, response)));
}
