import { createServer } from "node:http";
import Koa from "koa";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

export function koaSite(actions: Actions<[Koa.Context]>, prepare: (app: Koa) => unknown = () => {}): Site {
  const app = new Koa();
  prepare(app);
  app.use(async (ctx) => {
    switch (ctx.path) {
      case "/untouched":
        ctx.body = untouched;
        break;
      case "/read":
        ctx.body = await actions.read(ctx);
        break;
      case "/write":
        ctx.body = String(await actions.write(ctx));
        break;
      case "/login":
        await actions.login(ctx);
        ctx.body = welcome;
        break;
      default:
    }
  });
  const handle = app.callback();
  return siteOf(createServer((request, response) => void handle(request, response)));
}
