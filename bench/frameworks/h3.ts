import { createServer } from "node:http";
import { H3, toNodeHandler } from "h3";
import type { H3Event } from "h3";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Deeds, Site } from "../site.ts";

export function h3Site(deeds: Deeds<[H3Event]>, prepare: (app: H3) => unknown = () => {}): Site {
  const app = new H3();
  prepare(app);
  app.get("/untouched", () => untouched);
  app.get("/read", async (event) => deeds.read(event));
  app.post("/write", async (event) => String(await deeds.write(event)));
  app.post("/login", async (event) => {
    await deeds.login(event);
    return welcome;
  });
  const handle = toNodeHandler(app);
  return siteOf(createServer((request, response) => void handle(request, response)));
}
